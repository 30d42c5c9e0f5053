"""Titles and bodies of the demo's listings, from small grammars, and their altered reposts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple, TypeVar

import numpy as np

from src.collect.demo.catalog import Category, Thing

T = TypeVar("T")
Rng = np.random.Generator
# A body shorter than this gets one more sentence: very short ones would be alike by chance.
MIN_WORDS = 14


class Text(NamedTuple):
    """What a seller wrote, and the contacts planted in it, exactly as written."""

    title: str
    body: str
    contacts: tuple[str, ...] = ()


WORDS: dict[str, tuple[str, ...]] = {
    "colour": tuple(
        "чёрный белый серый синий красный зелёный бежевый коричневый розовый голубой бордовый "
        "жёлтый фиолетовый серебристый золотистый молочный графитовый хаки бирюзовый".split()
    ),
    "condition": (
        "состояние отличное", "состояние хорошее", "состояние нового", "есть следы использования",
        "без дефектов", "есть мелкие царапины", "почти не пользовались", "состояние на четыре",
        "пара потёртостей", "сохранность идеальная", "берегли", "с небольшим дефектом",
    ),
    "season": ("на лето", "на осень", "на зиму", "демисезон", "на любую погоду"),
    "metro": tuple(
        f"м. {name}" for name in (
            "Сокольники", "Арбатская", "Люблино", "Митино", "Тёплый Стан", "Бибирево", "Курская",
            "Выхино", "Медведково", "Алтуфьево", "Беляево", "Юго-Западная", "Щукинская", "Сходненская",
            "Пражская", "Ясенево", "Коньково", "Новогиреево", "Перово", "Кузьминки", "Печатники",
            "Марьино", "Зябликово", "Домодедовская", "Каширская", "Автозаводская", "Динамо", "Сокол",
            "Речной вокзал", "Ховрино", "Отрадное", "Тимирязевская", "Дмитровская", "Бабушкинская",
            "ВДНХ", "Черкизовская", "Измайлово", "Первомайская", "Щёлковская", "Нагатинская",
            "Пионерская", "Кунцевская", "Молодёжная", "Крылатское", "Строгино", "Тушинская",
            "Саларьево", "Румянцево", "Тропарёво", "Раменки", "Мичуринский проспект", "Очаково",
            "Некрасовка", "Косино", "Лухмановская", "Котельники", "Жулебино", "Текстильщики",
            "Волжская", "Братиславская", "Борисово", "Шипиловская", "Орехово", "Царицыно",
        )
    ),
    "month": tuple(
        "январе феврале марте апреле мае июне июле августе сентябре октябре ноябре декабре".split()
    ),
    "since": tuple(
        "января февраля марта апреля мая июня июля августа сентября октября ноября декабря".split()
    ),
    "date": tuple(
        f"{day} {month}" for month in
        "января февраля марта апреля мая июня июля августа сентября октября ноября декабря".split()
        for day in range(1, 29)
    ),
    "day": (
        "в понедельник", "во вторник", "в среду", "в четверг", "в пятницу", "в субботу",
        "в воскресенье", "в будни", "в выходные", "сегодня", "завтра",
    ),
    "hour": tuple(
        f"{part} {hour}:{minute}" for part in ("после", "до", "около", "строго в", "с")
        for hour in range(9, 22) for minute in ("00", "15", "30")
    ),
    "year": tuple(str(year) for year in range(2008, 2025)),
    "street": tuple(
        f"ул. {name}" for name in (
            "Ленина", "Мира", "Садовая", "Лесная", "Гагарина", "Советская", "Чехова", "Зелёная",
            "Победы", "Молодёжная", "Школьная", "Кирова", "Пушкина", "Заречная", "Новая",
            "Берёзовая", "Полевая", "Парковая", "Центральная", "Набережная", "Горького",
        )
    ),
    "person": tuple(
        "Анна Ольга Мария Елена Ирина Татьяна Сергей Андрей Дмитрий Алексей Павел Николай "
        "Виктор Антон Олег Юлия Светлана Наталья Роман Кирилл Гузель Тимур".split()
    ),
    "town": tuple(
        "Химки Мытищи Балашиха Подольск Тула Калуга Рязань Тверь Владимир Казань Пермь Самара "
        "Уфа Омск Ижевск Воронеж Ярославль Саратов Пенза Курск Брянск Королёв Люберцы".split()
    ),
}

GENERIC: tuple[str, ...] = (
    "Торг {уместен|возможен|при осмотре}, уступлю {50-900} рублей, если заберёте {day}.",
    "Самовывоз {metro}, {street}, дом {1-140}, {hour}.",
    "Встречаюсь {day} {hour}, {metro}, в центре зала.",
    "Отправлю {СДЭК|Почтой России|Boxberry|Авито Доставкой} до города {town}, вес посылки {1-12} кг.",
    "Причина продажи: {переезд|не пользуемся|нужны деньги|подарили ещё|освобождаю место} с {date}.",
    "Пишите в сообщения, отвечаю {быстро|вечером|с работы} {hour}, спросить {person}.",
    "Обмен {не интересует|возможен на {технику|стройматериалы|ваши варианты}}, доплата до {100-3000} рублей.",
    "Выставлено {date}, если объявление висит, значит в наличии, {metro}.",
    "Куплено в {year} году, лежит без дела с {since}.",
    "Забирать со склада, {town}, {street}, {2-24} этаж, {лифт есть|лифта нет}.",
    "Цена окончательная до {date}, потом подниму на {5-40} процентов.",
    "При покупке двух вещей скидка {5-35} процентов, смотрите другие {3-60} объявлений.",
    "Бронь только по предоплате {100-1900} рублей, держу до {date}.",
    "Фото {реальные|сделаны {date}|добавлю позже}, всё видно, {condition}.",
    "Могу подвезти к {metro} {day} за {100-700} рублей.",
    "Некурящая семья, животных нет, хранилось в {шкафу|кладовке|гараже|коробке} {2-30} месяцев.",
    "Без торга, просьба не предлагать {сто|триста|пятьсот} рублей, {person}.",
    "Кому надо, отдам {day} за {символическую|разумную|полную} цену, {town}, {street}, {1-90}.",
    "Перекупам просьба не беспокоить, звонить {hour}, кроме {date}.",
    "Уехали в {month}, {town}, вещь осталась у родителей, {metro}.",
    "Доставка по Москве {200-900} рублей, за МКАД плюс {20-60} рублей за км.",
    "Оплата {наличными|переводом|при получении}, {day} {hour}, район {metro}.",
    "Упакую в {плёнку|коробку|пакет}, размер упаковки {20-120} на {10-80} см.",
    "Первому, кто приедет {date}, отдам на {100-1500} рублей дешевле.",
    "Досталось от {бабушки|соседей|прежних хозяев|друзей}, точной даты нет, около {year} года.",
    "Спрашивайте {person}, {street}, подъезд {1-9}, код скажу {day}.",
    "Состояние на {3-10} из {10|10|12}, {condition}, вопросы до {date}.",
    "Дача разобрана в {month}, осталось {2-40} лотов, самовывоз, {town}.",
    "Резерв за {person} снят {date}, снова в продаже, {hour}.",
    "Смотрел мастер {date}, сказал, прослужит ещё {2-15} лет, {metro}.",
)

OPENINGS: tuple[str, ...] = (
    "В продаже {noun} {make}, {condition}, {year} год.",
    "{Noun} {make}, цвет {colour}, {condition}.",
    "Предлагается {noun} {make}, пользовались с {since} {year} года.",
    "Есть {noun}, {make}, {detail}, {condition}.",
    "{Noun} {make}, {detail}, куплено {date} {year} года.",
    "На фото {noun} {make}, {colour}, {detail}.",
)

TITLES: tuple[str, ...] = (
    "{Noun} {make}", "{Noun} {make}, {detail}", "{Noun} {detail}", "{make} {noun}, {detail}",
    "{Noun} {make} {detail}, {colour}", "{Noun}, {condition}", "{Noun} {make} {year}",
    "{Noun} {make} — {condition}",
)

# The make alone, shared by categories: only the body then tells what is sold.
VAGUE_TITLES: tuple[str, ...] = ("{make}, {condition}", "{make} {detail}", "{make}, {year} год")

DULL_TITLES: tuple[str, ...] = (
    "Продам срочно, {metro}", "Вещь в хорошем состоянии, {town}", "Отдам недорого до {date}",
    "Срочно, переезд {date}", "Хорошая вещь, {condition}", "Распродажа {day}, {town}",
    "Продаю за ненадобностью, {year}", "Новое, {town}, {street}", "Торг, самовывоз {metro}",
    "Лот {1-999}, {condition}", "Дёшево, {metro}, {day}", "Забирайте {day}, {metro}",
)

CONTACT_PHRASES: tuple[str, ...] = (
    "Звоните {}.", "Мой номер {}, {}.", "Пишите на {}", "Контакт: {}.", "Тел. {}", "Связь {} в любое время.",
    "WhatsApp {}",
)

REPOST_TAILS: tuple[str, ...] = (
    "Торг.", "Срочно!", "Цена снижена.", "Ещё актуально.", "Снова в продаже.", "Звоните.", "Отдам сегодня.",
)

_SLOT = re.compile(r"\{([^{}]+)\}")


def fill(template: str, rng: Rng, own: dict[str, str]) -> str:
    """Replace the slots of a sentence, inner ones first: choices, numbers, `own` and list words."""

    def value(match: re.Match[str]) -> str:
        slot = match.group(1)
        if "|" in slot:
            return pick(slot.split("|"), rng)
        if numbers := re.fullmatch(r"(\d+)-(\d+)", slot):
            return str(rng.integers(int(numbers[1]), int(numbers[2]) + 1))
        if slot in own:
            return own[slot]
        return pick(WORDS[slot], rng)

    while _SLOT.search(template):
        template = _SLOT.sub(value, template)
    return template


def pick(options: Sequence[T], rng: Rng) -> T:
    return options[int(rng.integers(len(options)))]


def informative(category: Category, thing: Thing, rng: Rng) -> Text:
    """A text that leaves no doubt about the category: names the object and speaks of its kind."""
    own = _own(category, thing, rng)
    vague = rng.random() < 0.12
    title = fill(pick(VAGUE_TITLES if vague else TITLES, rng), rng, own)
    count = int(rng.integers(1, 7))
    opened = vague or rng.random() < 0.5
    of_kind = max(1, int(rng.integers(1, min(4, count) + 1)) - opened)
    templates = [pick(OPENINGS, rng)] if opened else []
    templates += _sample(category.sentences, of_kind, rng)
    generic = list(_sample(GENERIC, 6, rng))
    templates += [generic.pop() for _ in range(max(0, count - len(templates)))]
    sentences = [fill(template, rng, own) for template in templates]
    while len(" ".join(sentences).split()) < MIN_WORDS:
        sentences.append(fill(generic.pop(), rng, own))
    return _finish(title, _shuffled(sentences, rng), rng)


def dull(rng: Rng) -> Text:
    """A text that says nothing of the category."""
    title = fill(pick(DULL_TITLES, rng), rng, {})
    generic = _sample(GENERIC, int(rng.integers(2, 6)), rng)
    return _finish(title, [fill(template, rng, {}) for template in generic], rng)


def with_contacts(text: Text, rng: Rng) -> Text:
    """Plant one or two contacts in the body: phone numbers, e-mails, links, messenger names."""
    body, planted = text.body, []
    for _ in range(1 + int(rng.random() < 0.3)):
        contact = _contact(rng)
        phrase = pick(CONTACT_PHRASES, rng).replace("{}", contact, 1)
        phrase = phrase.replace("{}", pick(WORDS["person"], rng))
        body = f"{phrase} {body}" if rng.random() < 0.25 else f"{body} {phrase}"
        planted.append(contact)
    return Text(text.title, body.strip(), tuple(planted))


def altered(text: Text, rng: Rng) -> Text:
    """The same text as a seller posts it again: few words changed, something added."""
    title, words = text.title, text.body.split(" ")
    if title and rng.random() < 0.5:
        title = f"{title} {pick(('срочно', 'торг', 'снова', 'ещё раз'), rng)}"
    # One word in forty: each takes three word 3-grams with it. Contacts stay as they are.
    taken = {word for contact in text.contacts for word in contact.split()}
    free = [i for i, word in enumerate(words) if word.isalpha() and word not in taken]
    for _ in range(len(words) // 40 + int(len(words) > 25 and rng.random() < 0.5)):
        if free:
            words[pick(free, rng)] = pick(("очень", "вещь", "можно", "сейчас"), rng)
    body = " ".join(words)
    if body and rng.random() < 0.7:
        body = f"{body} {pick(REPOST_TAILS, rng)}"
    return Text(title, body, text.contacts)


def _own(category: Category, thing: Thing, rng: Rng) -> dict[str, str]:
    noun = pick(thing.nouns, rng)
    own = {
        "noun": noun,
        "Noun": noun[0].upper() + noun[1:],
        "make": fill(pick(thing.makes, rng), rng, {}),
    }
    return own | {"detail": fill(pick(category.details, rng), rng, own)}


def _finish(title: str, sentences: list[str], rng: Rng) -> Text:
    """Join the sentences as people and sites do: lines, capitals, stray HTML entities."""
    body = pick((" ", " ", " ", "\n", "\n\n"), rng).join(sentences)
    habit = rng.random()
    if habit < 0.06:
        title = title.upper()
    elif habit < 0.12:
        body = body.lower()
    elif habit < 0.18:
        title = f"{title}!!!"
    if rng.random() < 0.12:
        body = body.replace(" ", "&nbsp;", 1).replace(" и ", " &amp; ")
    if rng.random() < 0.08:
        first, _, rest = body.partition(" ")
        body = f"&quot;{first}&quot; {rest}"
    return Text(title, body)


def _contact(rng: Rng) -> str:
    # Subscriber numbers of the form 00x-xx-xx are not given out, so nobody's phone is printed.
    code = pick(("903", "905", "916", "925", "926", "968", "977", "985", "999"), rng)
    a, b, c = f"00{rng.integers(1, 10)}", f"{rng.integers(10, 100)}", f"{rng.integers(10, 100)}"
    name = f"{pick(('ivan', 'olga', 'sklad', 'prodam', 'masha', 'sergey'), rng)}{rng.integers(10, 9999)}"
    site = pick(("mail.ru", "yandex.ru", "gmail.com", "bk.ru"), rng)
    return pick(
        (
            f"+7 ({code}) {a}-{b}-{c}", f"8 {code} {a} {b} {c}", f"8{code}{a}{b}{c}",
            f"8-{code}-{a}-{b}-{c}", f"+7{code}{a}{b}{c}", f"8({code}){a}{b}{c}",
            f"+7 {code} {a}-{b}{c}", f"8 {code} {a}{b}{c}", f"{name}@{site}",
            f"https://vk.com/{name}", f"t.me/{name}", f"www.{name}.ru",
        ),
        rng,
    )


def _sample(options: Sequence[T], count: int, rng: Rng) -> list[T]:
    chosen = rng.choice(len(options), size=min(count, len(options)), replace=False)
    return [options[int(i)] for i in chosen]


def _shuffled(items: list[T], rng: Rng) -> list[T]:
    return [items[int(i)] for i in rng.permutation(len(items))]
