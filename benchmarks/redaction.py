"""How many planted contacts redaction hides, and how many ordinary texts it changes.

python -m benchmarks.redaction [--each 500] [--texts listings.csv] [--missed 5] [--json]
"""

from __future__ import annotations

import csv
import difflib
import json
import random
import re
import time
import unicodedata
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from src.cleaning.redact import EMAIL, LINK, NAME, PHONE, redact

Rng = random.Random
_MARKS = re.compile("|".join(map(re.escape, (EMAIL, LINK, NAME, PHONE))))


# Repeated, these begin like contacts at every place.
HOSTILE = (
    *("1 2 ", "один", "a.", "www.", "8 (9", "+7 905 ", "a-", "о", "<a ", "9", "тг ", "ник в "),
    *("код 9", "собака ", "vk ", "a точка ", "8 905 а 123 ", "89051234567 ", "б1", "(", "@ a"),
)


class Planted(NamedTuple):
    """A text around a contact, and the words that reveal it; without any, its digits do."""

    before: str
    contact: str
    after: str
    revealing: tuple[str, ...]

    @property
    def text(self) -> str:
        return self.before + self.contact + self.after


def is_found(planted: Planted, hidden: str) -> bool:
    """Whether no revealing word and at most one digit of the contact can still be read."""
    rest = hidden[_shared(planted.before, hidden) :]
    rest = rest[: len(rest) - _shared(planted.after[::-1], rest[::-1])]
    rest = _MARKS.sub(" ", rest).casefold()
    if planted.revealing:
        return not any(word.casefold() in rest for word in planted.revealing)
    digits = sum(unicodedata.digit(character, None) is not None for character in rest)
    return digits + len(_SPELLED.findall(rest)) <= 1


def planted_texts(each: int, seed: int = 1) -> dict[str, list[Planted]]:
    """Return texts with one contact each, by the kind of contact."""
    return {kind: [*_plant(kind, each, seed)] for kind in CONTACTS}


def ordinary_texts(each: int, seed: int = 1) -> dict[str, list[str]]:
    """Return texts without contacts but with numbers, by the kind of number."""
    texts = {}
    for kind, make in ORDINARY.items():
        rng = Rng(f"{seed} {kind}")
        texts[kind] = [_around(rng).replace("{}", make(rng)) for _ in range(each)]
    return texts


def _plant(kind: str, each: int, seed: int) -> Iterator[Planted]:
    rng = Rng(f"{seed} {kind}")
    for _ in range(each):
        made = CONTACTS[kind](rng)
        contact, *revealing = (made,) if isinstance(made, str) else made
        before, after = _around(rng).split("{}")
        yield Planted(before, contact, after, tuple(revealing))


def _around(rng: Rng) -> str:
    other = ORDINARY[rng.choice([*ORDINARY])](rng)
    return rng.choice(_TEXTS).replace("#", other)


def _shared(expected: str, text: str) -> int:
    pairs = enumerate(zip(expected, text, strict=False))
    return next((at for at, (a, b) in pairs if a != b), min(len(expected), len(text)))


_TEXTS = (
    "Продам диван, {} торг", "{}", "Состояние отличное. #. {}", "Цена 5000, {}, самовывоз. #",
    "Куплен в 2019 г., #\n{}\nЗвонить с 10 до 20", "Стол новый. #! {} Анна", "#, {}",
    "Отдам даром: #. По всем вопросам {}. Отвечу вечером", "В наличии 3 шт, # / {} /",
    "Table, good condition. #. {} thanks", "Bike for sale, £120 ono, {}. Collection only",
    "Selling two chairs, #\n{}\nCash only", "Торг у капота. {} Олег. Цена 250 000 руб.",
    "Рост 110, # ({})", "Коляска 3 в 1 {} писать в любое время", "Новое!!! {}!!!", "#; {}; обмен",
)  # fmt: skip

# Numbers in words

_UNITS = ("ноль", "один", "два", "три", "четыре", "пять", "шесть", "семь", "восемь", "девять")
_TEENS = ("десять", *(f"{stem}надцать" for stem in ("один", "две", "три", "четыр", "пят", "шест",
                                                    "сем", "восем", "девят")))  # fmt: skip
_TENS = ("двадцать", "тридцать", "сорок", "пятьдесят", "шестьдесят", "семьдесят", "восемьдесят",
         "девяносто")  # fmt: skip
_HUNDREDS = ("сто", "двести", "триста", "четыреста", "пятьсот", "шестьсот", "семьсот", "восемьсот",
             "девятьсот")  # fmt: skip
_ENGLISH = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_SPELLED = re.compile(
    "|".join(sorted([*_UNITS, *_TEENS, *_TENS, *_HUNDREDS, *_ENGLISH], reverse=True))
)


def _say(group: str) -> str:
    """One to three digits as they are read aloud: "045" is "ноль сорок пять"."""
    words = ["ноль" for _ in group[: len(group) - len(group.lstrip("0"))]]
    number = int(group)
    if number >= 100:
        words.append(_HUNDREDS[number // 100 - 1])
    if 10 <= number % 100 < 20:
        words.append(_TEENS[number % 100 - 10])
    else:
        words += [_TENS[number % 100 // 10 - 2]] if number % 100 >= 20 else []
        words += [_UNITS[number % 10]] if number % 10 else []
    return " ".join(words)


# Phone numbers


def _digits(rng: Rng, count: int) -> str:
    return "".join(rng.choices("0123456789", k=count))


def _split(digits: str, *sizes: int) -> list[str]:
    starts = [sum(sizes[:at]) for at in range(len(sizes))]
    return [digits[start : start + size] for start, size in zip(starts, sizes, strict=True)]


def _mobile(rng: Rng) -> str:
    return "9" + _digits(rng, 9)


def _country(rng: Rng) -> str:
    return rng.choice(["8", "8", "+7", "7"])


def _groups(rng: Rng, number: str) -> list[str]:
    """Ten digits in groups, as people type them."""
    layouts = [(3, 3, 2, 2)] * 4 + [(3, 7), (3, 3, 4), (3, 2, 2, 3), (3, 2, 3, 2)]
    return _split(number, *rng.choice(layouts))


def _joined(rng: Rng, gaps: list[str]) -> str:
    return rng.choice(gaps).join([_country(rng), *_groups(rng, _mobile(rng))])


def _plain(rng: Rng) -> str:
    number = _mobile(rng)
    gap = rng.choice([" ", "-", ".", "/", "", " - ", "  "])
    parts = _groups(rng, number)
    after = rng.choice([gap, gap, ""])
    return _country(rng) + after + rng.choice([gap.join(parts), "".join(parts)])


def _bracketed(rng: Rng) -> str:
    code, *rest = _groups(rng, _mobile(rng))
    left, right = rng.choice([("(", ")")] * 3 + [("[", "]"), ("{", "}"), ("<", ">")])
    gap = rng.choice(["", " ", "-"])
    tail = rng.choice([" ", "-", "", "."]).join(rest)
    head = _country(rng)
    return rng.choice(
        [
            f"{head}{gap}{left}{code}{right}{gap}{tail}",
            f"{head}{gap}{left} {code} {right}{gap}{tail}",
            f"({head}){gap}{code}{gap}{tail}",
            f"({head}{gap or '-'}{code}){gap}{tail}",
            f"({code}){gap}{tail}",
            f"{head} {code} ({rest[0]}) {' '.join(rest[1:]) or '-'}",
            f"({head} {code} {tail})",
        ]
    )


def _unicode_gaps(rng: Rng) -> str:
    dashes = [*"‐‑‒–—―−﹣－➖⁃", "\u00ad"]
    spaces = [*"\xa0\u2002\u2003\u2009\u202f\u3000\u200b\u2060\ufeff", "\u200b ", "\xa0\xa0"]
    marks = [rng.choice(dashes), rng.choice(spaces)]
    gap = rng.choice([*marks, f" {marks[0]} ", f"{marks[1]}{marks[0]}{marks[1]}"])
    return gap.join([_country(rng), *_groups(rng, _mobile(rng))])


def _odd_gaps(rng: Rng) -> str:
    gaps = [*"_*/\\|~=+;:,'•·…^#🔥📞⭐", "..", "--", "❤️", " ☎ ", "***", " * ", "--- ", ", ", " / "]
    return rng.choice([*gaps, " _ ", ". ", ".-"]).join([_country(rng), *_groups(rng, _mobile(rng))])


def _each_digit(rng: Rng) -> str:
    gap = rng.choice(
        [" ", "-", ".", "_", "/", ",", "*", "  ", " - ", ". ", ", ", "|", "\xa0", "..."]
    )
    head = rng.choice(["8", "+7", "7"])
    return head + gap + gap.join(_mobile(rng))


def _spelled(rng: Rng) -> str:
    head = rng.choice(["восемь", "восемь", "плюс семь", "семь"])
    groups = _groups(rng, _mobile(rng))
    if any(len(group) > 3 for group in groups) or rng.random() < 0.3:
        words = [_UNITS[int(digit)] for digit in "".join(groups)]
    else:
        words = [_say(group) for group in groups]
    gap = rng.choice([" ", " ", " ", ", ", "-", "", " - ", "."])
    said = gap.join([head, *words])
    said = said.replace(" ", gap) if gap in ("", "-") else said
    return rng.choice([str.lower, str.lower, str.upper, str.title, str.capitalize])(said)


def _half_spelled(rng: Rng) -> str:
    gap = rng.choice([" ", " ", "-", "", ", "])
    number = _mobile(rng)
    parts = [rng.choice(["8", "восемь", "+7"]), *_split(number, 3, 3, 2, 2)]
    if rng.random() < 0.3:
        parts = [parts[0], *number]
    elif rng.random() < 0.3:
        parts = [*parts[:3], f"{rng.choice(_TENS)}{rng.choice('123456789')}", parts[4]]
        return (gap or " ").join(parts)
    chosen = rng.sample(range(1, len(parts)), rng.randint(1, len(parts) - 2))
    return gap.join(_say(part) if at in chosen else part for at, part in enumerate(parts))


def _look_alike(rng: Rng) -> str:
    alike = {"0": "OОоoQ", "1": "lIi", "3": "ЗзЭ", "6": "бb", "8": "BВ", "4": "Ч", "5": "S"}
    weights = {"0": 1.0, "1": 0.5, "3": 0.6, "6": 0.4, "8": 0.3, "4": 0.3, "5": 0.3}
    gap = rng.choice(["", " ", "-", " (-"])
    first, *parts = _split(_mobile(rng), 3, 3, 2, 2)
    text = rng.choice(["8", "+7"]) + (gap + first if len(gap) < 2 else f" ({first})")
    number = text + gap[-1:] + gap[-1:].join(parts)
    swapped = [d for d in alike if d in number[2:] and rng.random() < weights[d]] or ["0"]
    for digit in swapped:
        letters = alike[digit][: rng.choice([3, 3, 3, 5])]
        number = number[:2] + number[2:].replace(digit, rng.choice(letters))
    return number


def _other_digits(rng: Rng) -> str:
    styles = [
        "０１２３４５６７８９",
        "𝟎𝟏𝟐𝟑𝟒𝟓𝟔𝟕𝟖𝟗",
        "⓪①②③④⑤⑥⑦⑧⑨",
        "⁰¹²³⁴⁵⁶⁷⁸⁹",
        "₀₁₂₃₄₅₆₇₈₉",
        "𝟶𝟷𝟸𝟹𝟺𝟻𝟼𝟽𝟾𝟿",
    ]
    number = rng.choice(["8", "8", "7"]) + _mobile(rng)
    if rng.random() < 0.4:
        cap = rng.choice(["\ufe0f\u20e3", "\u20e3"])
        return rng.choice(["", "", " "]).join(digit + cap for digit in number)
    style = rng.choice(styles)
    gap = rng.choice(["", " ", "-"])
    return gap.join(_split(number, 1, 3, 3, 2, 2)).translate(str.maketrans("0123456789", style))


def _letters_between(rng: Rng) -> str:
    parts = [rng.choice(["8", "8", "+7"]), *_split(_mobile(rng), 3, 3, 2, 2)]
    letters = [rng.choice("абвгджикнпрсухцыьэюя") * rng.randint(1, 3) for _ in range(4)]
    same = rng.choice(["х", "x", "a", "и", "ъ", "ааа", "тт", "z"])
    one = rng.randint(0, 3)
    return rng.choice(
        [
            "".join(a + f" {b} " for a, b in zip(parts, letters, strict=False)) + parts[4],
            "".join(a + b for a, b in zip(parts, letters, strict=False)) + parts[4],
            same.join(parts),
            f" {same} ".join(parts),
            " ".join(a + (letters[0] if at == one else "") for at, a in enumerate(parts)),
            same.join([parts[0], *"".join(parts[1:])]),
        ]
    )


def _words_between(rng: Rng) -> str:
    parts = [
        rng.choice(["8", "8", "+7"]),
        *_split(_mobile(rng), *rng.choice([(3, 3, 2, 2), (3, 7)])),
    ]
    words = ["звоните", "звони", "тире", "дефис", "пробел", "и", "потом", "далее", "и потом", "или",
             "затем", "авито", "дальше", "ещё", "точка", "минус", "звонить", "и еще", "Анна", "тел",
             "продам", "скобка", "call", "and", "then", "плюс"]  # fmt: skip
    gap = rng.choice([" ", " ", "-", "", "..", " - ", "_", ", "])
    word = rng.choice(words)
    if rng.random() < 0.5:
        return f"{gap}{word}{gap}".join(parts)
    at = rng.randint(1, len(parts) - 1)
    plain = rng.choice([gap, " ", "-"])
    return f"{plain.join(parts[:at])}{gap}{word}{gap}{plain.join(parts[at:])}"


def _without_country(rng: Rng) -> str:
    groups = _groups(rng, _mobile(rng))
    return rng.choice(["", " ", "-", ".", " - ", "\xa0", "–", "_"]).join(groups)


def _two(rng: Rng) -> str:
    gaps = [
        ", ",
        " ",
        "/",
        " / ",
        " или ",
        " и ",
        "; ",
        "\n",
        ",",
        ";",
        " - Олег, ",
        " (Анна) ",
        "|",
    ]
    return _plain(rng) + rng.choice(gaps) + _plain(rng)


def _over_lines(rng: Rng) -> str:
    number = _mobile(rng)
    parts = [rng.choice(["8", "+7"]), *rng.choice([_groups(rng, number), [*number]])]
    gap = rng.choice(["\n", "\n", " \n", "\n\n", "\r\n", "-\n", " /\n", "\n-"])
    if len(parts) < 8 and rng.random() < 0.4:
        at = rng.randint(1, len(parts) - 1)
        return " ".join(parts[:at]) + gap + rng.choice([" ", "-"]).join(parts[at:])
    return gap.join(parts)


def _glued(rng: Rng) -> str:
    number = _joined(rng, ["", "", "-", " "])
    before = rng.choice(
        ["тел", "т.", "тел.", "Звоните", "моб:", "телефон", "☎", "📞", "т", "номер"]
    )
    return before + number + rng.choice(["Иван", "", "звоните", "ватсап", "!", "Елена", "📱"])


def _with_messenger(rng: Rng) -> str:
    app = rng.choice([*_CHATS, *_APPS])
    number = rng.choice([_plain, _bracketed, _without_country])(rng)
    gap = rng.choice([" ", ": ", " - ", ":", " по номеру "])
    return rng.choice([f"{app}{gap}{number}", f"{number} ({app})", f"{number} {app}"])


# Contacts by their forms: {parts} are filled in; in phone numbers # is a digit and _ a gap.

_CONTACT_FORMS = """
phone, code named: 8 (код {code}) {rest} ~ код {code} номер {rest} ~ код {code}, тел. {rest} ~
  код {code} тел {rest} ~ 8 код {code} номер {rest} ~ код оператора {code} номер {rest} ~
  8-{code}, потом {rest} ~ номер {rest} код {code} ~ код: {code}, номер: {rest} ~
  {code} код, номер {rest} ~ код {code} - {rest} ~ +7 (код {code}) номер {rest}
phone, 8 apart: {mobile} восемь впереди ~ {mobile} (через 8) ~ через 8: {mobile} ~
  через восьмерку {mobile} ~ впереди 8, дальше {mobile} ~ сначала 8 потом {mobile} ~
  восьмёрка {mobile} ~ 8-ка {mobile} ~ {mobile} через восьмерку ~ + 7 {mobile} ~
  {mobile} с восьмёркой ~ первая 8 {mobile} ~ восьмерка, {mobile} ~ 8ка {mobile}
phone, town: 8 ({area}) {town} ~ 8-{area}-{town} ~ +7({area})2###### ~ +7 {area} {town} ~
  ({area}) {town} ~ тел. 2##-##-## ~ 8({village})2-##-## ~ 8{area}2###### ~ тел: 3###### ~
  т. 2#-##-## ~ 8 800 2## ## ## ~ 8-800-{town} ~ +7 {village} 2-##-##
phone, Belarus: +375_{by}_2##_##_## ~ +375 ({by}) 3##_##_## ~ 375{by}2###### ~ 8 0{by} 6##_##_## ~
  80{by}1###### ~ 8 (0{by}) 7##_##_## ~ 8-0{by}-5##-##-## ~ 375 {by} 2##_##_## ~
  +375({by})3###### ~ 00375_{by}_1##_##_## ~ 0{by} 2##-##-##
phone, Ukraine: +380_{ua}_###_##_## ~ +38 (0{ua}) ###_##_## ~ 0{ua}####### ~ 38 0{ua} ###_##_## ~
  380{ua}####### ~ 0{ua} ###_##_## ~ +38 0{ua} ###_##_## ~ (0{ua}) ### ## ## ~ 0{ua}-###_##_##
phone, neighbours: +7_701_###_##_## ~ 8_705_###_##_## ~ 8 (747) ### ## ## ~ +7 (775) ### ## ## ~
  87771###### ~ +996_555_##_##_## ~ +996 (700) ### ### ~ 00996555###### ~ +998_9{odd}_###_##_## ~
  + 998 90 ### ## ## ~ +374_91_###### ~ +995_555_##_##_## ~ +992_9{odd}_###_##_## ~
  +373_69_###_### ~ +994 (50) ### ## ## ~ 00998 91 ### ## ## ~ 998 9{odd} ### ## ##
phone, abroad: +49_15#_######## ~ +49 (17#) ####### ~ +48_50#_###_### ~ +33_6_1#_##_##_## ~
  +39_32#_###_#### ~ +34_61#_###_### ~ +90_53#_###_##_## ~ +972_52_###_#### ~ +86_13#_####_#### ~
  +371_26_###_### ~ +370_60#_##_### ~ +372_51##_#### ~ +358_40_###_#### ~ +1_20#_2##_#### ~
  0049_15#_######## ~ 0048_51#_###_### ~ +1 (212) 2##-#### ~ +66_81_###_#### ~ + 44 20 7### ####
phone, British: 07{uk}## ###### ~ 07{uk}######## ~ 07{uk}## ### ### ~ +447{uk}######## ~
  020 7946 #### ~ +44 7{uk}## ###### ~ 0044 7{uk}## ###### ~ +44 (0) 7{uk}## ###### ~
  07{uk}##-###-### ~ 447{uk}######## ~ 07 {uk}## ### ### ~ 0 7 {uk} # # # # # # # # ~
  (07{uk}##) ###### ~ 07{uk} #### #### ~ {said} ~ O7{uk}## ###### ~ 07{uk}##.###### ~
  0121 2## #### ~ 0161 3## #### ~ 01413######
e-mail: {login}@{host}.{end} ~ {LOGIN}@{host}.{end} ~ mailto:{login}@{host}.{end} ~
  e-mail:{login}@{host}.{end} ~ Почта: {login}@{host}.{end} ~ <{login}@{host}.{end}> ~
  {login}@hotmail.co.uk ~ {login}@mail.company.ru ~ {login}@{name}.com
e-mail, dodged: {login} собака {host} точка {end} ~ {login} собака {host} точка {ru} ~
  {login}(at){host}.{end} ~ {login} @ {host} . {end} ~ {login} [at] {host} [dot] {end} ~
  {login}_собака_{host}.{end} ~ {login}собака{host}.{end} ~ {login} собачка {host}.{end} ~
  {login}@{host} точка {ru} ~ {login} @ {host} {end} ~ {login} at {host} dot {end} ~
  {login}{{at}}{host}.{end} ~ {login}@{host},{end} ~ {login}@ {host}. {end} ~
  {login} собака {spoken} точка {ru} ~ {login}(собака){host}(точка){end} ~
  {login} (a) {host}.{end} ~ {login} (@) {host} . {end} ~ {login} СОБАКА {host}.{end} ~
  {login}＠{host}.{end} ~ {login}[собака]{host}.{end} ~ {login} @{host}.{end} ~
  {login}(dog){host}.{end} ~ {login}*собака*{host}.{end} ~ {login} собака {spoken} {ru} ~
  {login}"собака"{host}.{end}
link: https://{name}.ru/catalog/{path}?id={id} ~ http://{name}.com ~ www.{name}.ru ~ {name}.ru ~
  t.me/{path} ~ vk.com/id{id} ~ https://vk.com/{path} ~ wa.me/7{id} ~ instagram.com/{path} ~
  https://t.me/+{path} ~ ok.ru/profile/{id} ~ {name}.рф ~ {name}.online/{path} ~ m.vk.com/{path} ~
  https://www.avito.ru/user/{id}/profile ~ youtu.be/{path} ~ clck.ru/{path} ~ {name}.net ~
  https://api.whatsapp.com/send?phone=7{id} ~ www.{name}.co.uk/{path} ~
  viber://chat?number=%2B7{id} ~ {name}.shop/{path} ~ t.me/joinchat/{path} ~
  tg://resolve?domain={path} ~ bit.ly/{path} ~ {name}.tilda.ws/{path} ~ facebook.com/{path} ~
  goo.gl/{path} ~ telegram.me/{path} ~ HTTPS://{NAME}.RU
link, dodged: vk точка com / id{id} ~ vk . com / id{id} ~ vk. com/id{id} ~ t. me/{path} ~
  t.me / {path} ~ вк точка ком слэш {path} ~ {name} точка ру ~ {name} (точка) ru ~ {name}[.]ru ~
  hxxp://{name}.ru ~ http: //{name}.ru ~ www {name} ru ~ www. {name}. ru ~ {name} точка рф ~
  vk com/id{id} ~ вк.ком/id{id} ~ vk(.)com/id{id} ~ {name}(точка)com ~ {name} dot com ~
  https:// {name}.ru ~ www.{name} точка ru ~ t . me / {path} ~ т.ме/{path} ~ vk.com\\id{id} ~
  инстаграм точка ком/{path} ~ {name} . ru ~ сайт {name} ru
name, @: @{nick} ~ @{nick} ~ tg @{nick} ~ тг: @{nick} ~ телеграм @{nick} ~ Telegram:@{nick} ~
  тг @ {nick} ~ инста @{nick} ~ tg@{nick} ~ ник @{nick} ~ тг@{nick} ~ @{nick} (тг) ~ @ {nick} ~
  ＠{nick} ~ пишите @ {nick}
name, messenger: {app}: {nick} ~ {app}:{nick} ~ {app} : {nick} ~ {app} = {nick} ~ {app}: {path}
name, dodged: ник в тг: {plain} ~ ник в телеграме: {plain} ~ ник в инстаграме: {plain} ~
  {app} {handle} ~ {app} - {handle} ~ {app} ник {handle} ~ в телеграме {handle} ~
  пишите в телегу {handle} ~ {app} — {handle} ~ наш инстаграм {handle} ~ my insta is {handle} ~
  {app}; мой ник {handle} ~ в инстаграме {handle} ~ {app} собака {handle} ~ {app} ({handle}) ~
  ник в инсте {handle} ~ {app}, {handle} ~ {app} ник: {plain} ~ {app} "{handle}" ~
  ищите в вк {handle} ~ {app} :{plain} ~ {app} канал {handle} ~ ник в тг {plain}
"""
_TELLING = ("login", "LOGIN", "name", "NAME", "path", "id", "nick", "plain", "handle")
_FIRST = ("ivan", "masha", "olga", "mebel", "remont", "alex", "dima", "sveta", "kolya", "shop")
_LAST = ("petrov", "shop", "msk", "spb", "best", "style", "home", "sidorova", "kids", "decor")
_APPS = ("инстаграм", "инстаграмм", "инста", "телеграм", "телеграмм", "телега", "тг", "tg", "vk",
         "telegram", "instagram", "insta", "Инстаграм", "Телеграм", "TG", "ТГ", "facebook",
         "скайп", "вк")  # fmt: skip
_CHATS = ("WhatsApp", "Viber", "Вайбер", "вацап", "Ватсап", "воцап", "вотсап", "viber/whatsapp",
          "вотс", "вб", "ws", "wa", "whatsap", "вайбер,ватсап", "смс", "sms", "макс")  # fmt: skip
_SPOKEN = {"mail": "мейл", "yandex": "яндекс", "gmail": "джимейл", "rambler": "рамблер"}


def _parts(rng: Rng) -> dict[str, str]:
    first, last, year = rng.choice(_FIRST), rng.choice(_LAST), str(rng.randint(1, 2025))
    login = first + rng.choice(["_", ".", "-", ""]) + last + rng.choice(["", year])
    host = rng.choice([*_SPOKEN])
    name = first + rng.choice(["-", ""]) + last + rng.choice(["", year])
    return {
        "code": "9" + _digits(rng, 2),
        "rest": rng.choice(["-", " ", ""]).join(_split(_digits(rng, 7), 3, 2, 2)),
        "mobile": rng.choice(["-", " ", "—", "–", ""]).join(_split(_mobile(rng), 3, 3, 2, 2)),
        "town": rng.choice(["-", " "]).join(_split("2" + _digits(rng, 6), 3, 2, 2)),
        "area": rng.choice(["495", "812", "343", "383", "846", "831", "351", "863", "347", "423"]),
        "village": rng.choice(["34344", "48439", "49624", "49645", "38822"]),
        "by": rng.choice(["29", "33", "44", "25"]),
        "ua": rng.choice(["50", "63", "66", "67", "68", "73", "93", "95", "96", "97", "98", "99"]),
        "uk": rng.choice("345789"),
        "odd": rng.choice("13"),
        "said": " ".join(
            _ENGLISH[int(digit)] for digit in f"07{rng.choice('4789')}{_digits(rng, 8)}"
        ),
        "login": login,
        "LOGIN": login.title(),
        "host": host,
        "end": "com" if host == "gmail" else "ru",
        "ru": "ком" if host == "gmail" else "ру",
        "spoken": _SPOKEN[host],
        "name": name,
        "NAME": name.upper(),
        "path": first + rng.choice(["_", "."]) + last + rng.choice(["", year]),
        "id": str(rng.randint(10**6, 10**9)),
        "nick": first + rng.choice(["_", ""]) + last + rng.choice(["", year]),
        "plain": first + last,
        "handle": rng.choice([f"{first}_{last}", f"{first}{last}{year}", f"{first}.{last}"]),
        "app": rng.choice(_APPS),
    }


def _in_form(kind: str, forms: list[str]) -> Callable[[Rng], tuple[str, ...]]:
    def make(rng: Rng) -> tuple[str, ...]:
        form, parts = rng.choice(forms), _parts(rng)
        if kind.startswith("phone"):
            form = form.replace("_", rng.choice([" ", "-", "", " "]))
            form = re.sub("#", lambda match: rng.choice("0123456789"), form)
        telling = [parts[part] for part in _TELLING if f"{{{part}}}" in form]
        return (form.format(**parts), *telling)

    return make


def _by_kind(forms: str) -> dict[str, list[str]]:
    kinds = re.findall(r"^(\w.*?): (.*(?:\n .*)*)", forms, re.MULTILINE)
    return {kind: " ".join(text.split()).split(" ~ ") for kind, text in kinds}


CONTACTS: dict[str, Callable[[Rng], str | tuple[str, ...]]] = {
    "phone, plain": _plain, "phone, brackets": _bracketed, "phone, unicode gaps": _unicode_gaps,
    "phone, odd gaps": _odd_gaps, "phone, each digit": _each_digit, "phone, spelled": _spelled,
    "phone, half spelled": _half_spelled, "phone, look-alikes": _look_alike,
    "phone, other digits": _other_digits, "phone, letters between": _letters_between,
    "phone, words between": _words_between, "phone, no country": _without_country,
    "phone, two": _two, "phone, over lines": _over_lines, "phone, glued": _glued,
    "phone, messenger": _with_messenger,
    **{kind: _in_form(kind, forms) for kind, forms in _by_kind(_CONTACT_FORMS).items()},
}  # fmt: skip


# Ordinary numbers: a kind and its forms. {1-9} is a number, {05-60} one with zeros ahead,
# {20:60:2} a rising list, {T} a number with thousands apart, <a|b> one of the words.

_FORMS = """
price: {T} руб ~ {T} р. ~ {T}₽ ~ цена {T} ~ £{T} ~ ${T} ~ {T} ~ от {T} до {T} руб ~ {T} - {T} ~
    {T} р, торг, было {T} ~ {T}<€| eur| тг| грн| сум| тенге> ~ цена: {T} {T}
price in one: {1-99}000 руб ~ {10000-99999}р ~ {1000000-9999999} руб ~ {1-99}к ~
    цена {10000-99999} ~ {10000-999999} рублей ~ за {1000-9999} ~ {1-9}.{1-9} млн ~
    {1-900} тыс. руб.
sum and count: {T} р {2-9} шт ~ {10-99} 000 р {3-9} шт ~ {10000-99999} {2-9} шт ~
    {2-9} шт по {T} р ~ {2-9} шт {T} {T} ~ от {10-20} шт {300-400} от {50-99} шт {200-299} р ~
    {1-9}+1 = {T} ~ {T} за {2-9}, {T} за {10-20} ~
    1 шт - {100-999} 2 шт - {100-999} 3 шт - {1000-1999} р
sizes: размеры {35:47:1} ~ р. {40:60:2} ~ р-р {38:56:2} ~ размер {36-46} ~
    р {42-60}-{42-60}-{42-60} ~ размеры: {44:66:2} рост {158:188:6} ~ size {6:22:2} UK ~
    {20:34:1} ~ в наличии {35:46:1}
child sizes: рост {74:164:6} ~ {56:116:6} см ~ на {74-98}-{104-140} ~
    размер {20-30} ({12-19},5 см) ~ р. {80-98}/{104-116} ~ возраст {1-3}-{4-9} лет ~ {1:9:1} лет ~
    {7:17:1} лет
ring and bra sizes: кольцо {15:22:1} ~ {15-17},5 {18-20} {21-22} ~ {70-90}<A|B|C|D> ~
    17 17,5 18 18,5 ~ размер {65:95:5} ~ чашка {1-5}, обхват {65-95}
dimensions: {10-300}х{10-300}х{10-300} см ~ {10-300}<x|*|×| x | х | * |/>{10-300} ~
    {40-200}*{40-200}*{10-99} ~ {1000-3000}*{100-999}*{10-30} ~ ШхГхВ {40-99}х{40-99}х{80-210} ~
    в {80-99} ш {40-60} г {40-60} ~ длина {100-300} ширина {40-99} высота {60-99} ~
    {1-3},{1-9} х {1-3},{1-9} м ~ {2-9} x {2-9} ft ~ {800-999} {1200-1999} {16-38} ~
    Д {100-200} Ш {50-90} В {70-99} ~ {10-99} {10-99} {100-200} см
years: {1990-2024} г. ~ {1960-1999}-{2000-2024} ~ {1998:2015:1} ~ {1961-1991}, {1961-1991} ~
    с {1985-1995} по {1996-2005} ~ {2003-2024} года ~ {90-99}-{01-24} гг ~
    выпуск {1970-1999} {1-4} кв ~ {1924:1991:3}
dates: {01-28}.{01-12}.{1990-2024} ~ {1-28}/{1-12}/{10-24} ~ {1-28} <мая|июля|марта> {2000-2024} ~
    {2000-2024}-{01-12}-{01-28} ~ до {01-28}.{01-12}.{2025-2030} г. ~
    {01-28}.{01-12}-{01-28}.{01-12} ~ {1-28}.{1-12} {10-19}:{00-59} ~
    {01-28} {01-12} {1990-2024} ~ {01-28}.{01-12}.{10-24} {01-28}.{01-12}.{10-24}
hours: с {8-11} до {17-22} ~ с {8-11}-00 до {17-22}-00 ~ с {08-11}.00-{17-22}.00 ~
    пн-пт {08-10}:00-{17-21}:00, сб {10-11}:00-16:00 ~ {8-9}.00 - {18-20}.00, обед 13.00-14.00 ~
    {1-24} ч {1-7} дней ~ 24/7/365 ~ {8-9}:00 {9-10}:30 {11-12}:00 {13-15}:30
mileage: пробег {1-400} {000-999} км ~ пробег {10-400} тыс ~ {10000-400000} км ~ {T} miles ~
    пробег {10-300}.000 ~ {1990-2023} г, {1-400} {000-999} км, {70-300} л.с. ~
    mileage {10-99},{000-999} ~ ТО на {10-90} {000-999} и {100-200} {000-999}
cars: ВАЗ 21{01-15}, {1990-2014} ~ БМВ <E|Е>{30-90} {316-550}<i|d> ~
    Audi {80-100} B{3-4} {1.6-2.8} ~ Mazda {2-6} {2003-2020} ~ Mercedes W{124-222} {180-600} ~
    КамАЗ {5320-65115} {1985-2020} ~ 2.0 TDI {100-200} л.с. {1900-1999} куб ~
    УАЗ {31512-31519} {1990-2003} ~ для ВАЗ 2108 2109 21099 2110 2114 ~
    {1.1-5.9} л {70-400} л.с. {4-8} цил ~ Газель {3302-33027}, {2003-2020} ~
    Peugeot {206-508} {2003-2015} {1.4-2.0} ~ Porsche 911 991 992 {2003-2024} ~
    на Ниву 21213 21214 2131
tyres: {145-315}/{30-80} R{13-22} ~ {145-315}/{30-80}/{13-22} ~ {145-315} {30-80} {13-22} ~
    R{13-19} {145-265}/{40-75} {75-112}<H|T|V> ~
    диски R{14-20} 5x{100-130} ET{15-55} DIA {54-74}.{1-6} ~ {5-9}J x R{14-20} 4/{98-114} ~
    {6.5-9.5}R{16-20} {5-6}*{100-139},7 ~ шины {175-235}-{50-70}-{13-18} ~
    {205-235}/{40-65}ZR{16-19} {88-99}W ~ 255 55 18 и 285 50 18 ~
    4x{98-114} {5-7}.5 {13-16} {35-45}
article: арт. {100000-99999999999} ~ артикул {1000000-9999999} ~
    Арт: {10-99}-{1000-9999}-{10-99} ~ код товара {100000-99999999} ~ код {1000000-9999999999} ~
    артикул 8 9{10-99} {100-999} {10-99} {10-99} ~ арт.{89000000000-89999999999} ~
    кат. номер {1000000000-9999999999} ~ каталожный номер {1000-9999}-{1000000-9999999} ~
    заказ №{10000-99999999} ~ ID {1000000-99999999} ~ код {100-999}-{10-99} (арт {10000-99999})
part number: 06A {900-959} {100-999} <A|B|D> ~ {0-9} {200-999} {000-999} {000-999} ~
    OEM {10000-99999}-{10000-99999} ~ <MR|MD|LR|KIA>{100000-999999} ~
    {1-9}K0 {800-999} {100-999} ~ {8200-8299}{100000-999999} ~ {11000-99999}-{1-9}<A|B>{100-999} ~
    Bosch 0 986 {400-499} {000-999} ~ {2101-2190}-{1000000-8999999} ~
    {21000-21900}-{1000-9999}{010-999}-{00-10} ~ A{100-999} {100-999} {10-99} {10-99} ~
    № {00010000-00999999} ~ {100-999}.{1000-9999}.{100-999}
serial: SN{10000000000-99999999999} ~ S/N {1000000-9999999999} ~
    IMEI {350000000000000-359999999999999} ~ VIN XTA2109{30-99}{1000000-9999999} ~
    №{1000-999999999} ~ серийный номер {10000000000-99999999999} ~ инв. № {10000-99999} ~
    серия {10-99} {10-99} номер {100000-999999} ~ #{10000-99999999} ~ модель {1000-99999}
book: ISBN 978-5-{10-99}-{100000-999999}-{0-9} ~ ISBN {9785000000000-9785999999999} ~
    {100-900} стр., {1950-2024} ~ том {1:12:1} ~ тома {1-3}, {4-6}, {7-10} ~
    Москва, {1950-1990}, {100-900} с., тираж {T} ~ ISBN: 5-{10-99}-{100000-999999}-{0-9} ~
    978-5-{100-999}-{10000-99999}-{0-9} ~ №{1-6}-{7-12} за {1960-1991}
barcode: штрихкод {4600000000000-4699999999999} ~ EAN {4000000000000-4999999999999} ~
    штрих-код: 4 60{1000-9999} {100000-999999} ~ {4600000000000-4699999999999}
papers: ИНН {6600000000-7799999999} ~ ОГРН {1020000000000-1200000000000} ~
    кадастровый номер {50-77}:{01-60}:{0010000-0209999}:{10-999} ~ ГОСТ {1000-53000}-{80-99} ~
    ГОСТ Р {50000-57000}-{2000-2018} ~ ТУ {1000-9999}-{001-099}-{10000000-99999999}-{2001-2020} ~
    р/с 40817810{100000000000-999999999999} ~
    карта {2200-5500} {1000-9999} {1000-9999} {1000-9999} ~
    лицензия № ЛО-{10-99}-01-{001000-019999} ~ СТС {10-99} <УК|ВА> {100000-999999} ~
    свидетельство {10-99} {10-99} {100000-999999}
phone model: iPhone {4-16} {64-512} ~ iPhone {5-8}<s|| plus> {16-256}gb {70-100}% ~
    6 6s 7 8 X 11 12 13 14 ~ 5 5s 6 6s 7 8 plus X XS 11 ~ iPhone 7 8 X XR 11 12 13 ~
    на айфон 7/8/X/11/12/13/14 ~ Samsung A{10-73} {64-128} {2019-2023} ~
    Redmi Note {7-12} {4-8}/{64-256} ~ Nokia {1100-8910} ~ чехлы 6,7,8,10,11,12,13 ~
    Galaxy S{8-23} {4-12}/{64-512} ~ Honor {8-90} {4-8}/{64-256} <8|9|10> {100-200} ~
    для 5 6 7 8 9 10 11 12 моделей ~ iPhone 6-7-8-11-12-13-14-15 ~ Xiaomi 8 9 10 11 12 13 14 ~
    айфон 8 9{10-99} мАч
computer: i{3-7}-{2100-13900}<K|U|> {4-32}/{128-512} ~ GTX {650-1660} {2-8}gb ~
    RTX {2060-4090} {8-24} Гб ~ {4-32}gb DDR{3-4} {1333-3600} ~ Windows 7 8 8.1 10 11 ~
    Ryzen {3-9} {1600-7950}X {16-64} {512-2048} ~ SSD {120-512} HDD {500-4000} ~
    Intel Core 2 Duo E{4300-8600} {2.0-3.3} ~ экран {13-17}.{1-6} {1366-1920}x{768-1080} ~
    i7 {3770-9700} 16 1060 6 512 1000 ~ LGA 775 1155 1156 1150 1151 ~ socket 478/775/939/1366 ~
    {2.0-3.9}GHz {4-8} ядер {65-125} Вт ~ HP {100-999} G{1-9} {8-16}/{256-512}/15.6 ~
    HP {1010-1320} картридж Q{2600-2699} {7000-9999}
battery: 18650 {2000-3500} mAh ~ {3-24}.7V {1000-30000} мАч ~
    аккумулятор {45-100} Ач {400-900} А ~ CR{2016-2477} 3V ~
    12V {7-200}Ah {100-300}х{100-200}х{100-200} ~ {5000-30000} mAh {1-3} A ~
    AA {1000-2800} {1-8} шт ~ АКБ 6СТ-{45-190} {500-900}A ~ 26650 18650 14500 ~
    220-240 V 50/60 Hz {500-2500} W
flat: {30-99}/{20-50}/{6-15} м² {1-9}/{5-16} эт ~
    {1-4}-к квартира, {30-99}.{1-9} м², {1-9}/{5-25} эт. ~
    общая {30-99} жилая {20-50} кухня {6-15} ~ {30-99} {18-50} {6-12} {1-9}/{9-16} ~
    дом {50-300} м² на участке {4-20} сот. ~ S={30-90},{1-9} кв.м, {1960-2020} г.п. ~
    Площадь {30-90}-{18-50}-{6-12}, этаж {1-9}-{9-17} ~
    {2-9}/{9-25} эт. {30-99},{1-9} м2 {T} руб ~ комнаты {10-20} {8-15} {8-14} кухня {6-12} м
address: ул. Ленина {1-200}-{1-99} ~ ул. 8 Марта, {1-99}-{1-150}, {2-9} этаж ~
    д. {1-99} к. {1-9} кв. {1-200} ~ г. Москва, {101000-129999}, ул. Мира {1-99} ~
    автобусы {1:900:37} ~ маршрутки {10-99}, {100-199}, {200-399}, {400-599} ~
    {50-59}.{100000-999999}, {37-60}.{100000-999999} ~ индекс {101000-690999} ~
    павильон {1-99}-{1-99}-{1-9} ~ место {1-20} ряд {1-30} сектор {100-300} ~
    M{1-6} {1-20} miles, {100-200} High Street
screws and boards: М{6-12}х{20-90} М{6-12}х{20-90} ~ подшипник {6200-6310} {6200-6310} 2RS ~
    доска {20-50}х{100-200}х{3000-6000} ~ сверла {3:13:1} мм ~ ключи {8:24:1} ~
    ключи 8 9 10 11 12 13 14 17 19 ~ брус {100-200}*{100-200}*{3-6} ~
    головки {8-9} {10-11} {12-13} {14-16} {17-19} {21-24} {27-32} ~
    труба {15-108}/{2-6} {3-12} м ~ саморез 3,5х{16-55} {100-1000} шт ~
    M8 {10-99} {100-200} шт {8-9} кг ~ ключи 8-10 12-13 14-17 19-22
coins and stamps: 10 рублей {1961-1991} ~ монеты {1961:1991:1} ~
    1,2,3,5,10,15,20 копеек {1961-1991} ~ банкнота {10-99} {1000000-9999999} ~
    5 руб 1997 {1998-2023} {1-9} шт ~ марки {1950-1991} {1-20} шт {100-999} ~
    купюра 100 р серия аа {0000001-9999999} ~ 1 2 5 10 25 50 100 руб ~
    50 коп {1921-1927} {9-10} грамм ~ 8 {90-99} {100-199} {10-99} {10-99} копеек
weights and volumes: {1-99} кг {1-999} г ~ {30-50} {75-100} {125-200} мл ~ гантели {1:10:1} кг ~
    от {5-20} до {50-120} кг ~ гири 8 16 24 32 ~ {200-900} мл {1-5} л {10-50} шт ~
    блины {1-2} 2,5 5 10 15 20 25 ~ {1-9} {9-11} {12-18} {19-36} кг ~ {9-18} {15-36} кг 1/2/3 ~
    калории {100-500} б {1-20} ж {1-20} у {1-80}
screen and sound: {1024-3840}x{720-2160} {60-240} Гц ~ {20-60}-{20},000 Hz ~
    диагональ {19-75}" ({48-190} см) ~ LG {19-75}LB{100-999}V ~
    {2-8} Ом {50-300} Вт {20-50}-{20000-25000} Гц ~ Canon {1000-1300}D {18-24}-{55-135} ~
    объектив {18-70}-{105-300} f/{1-3}.{4-8}-5.6 ~ {1-9}.{0-9}.{0-9}.{10-99} ~
    192.168.{0-255}.{1-254} ~ Android {4-13}.{0-9}.{0-9} ~ PS{2-5} {1000-2216} {320-1000}gb ~
    Sony KDL-{32-55}W{600-955} ~ {1280-1920}*{720-1080}/{25-60}
school and sport: {1:11:1} класс ~ {5-9} {6-10} {7-11} классы ~ счет {0-5}:{0-5} ({0-2}:{0-2}) ~
    лыжи {140-207} ботинки {35-46} палки {100-160} ~
    велосипед {12-29}" рама {13-21} {7-27} скоростей ~ скейт 8.{0-9} {52-58} 99A ~
    {1-9} из {5-10} ~ коньки {28:46:1} ~ {3-9} × {8-15} подтягиваний, бег {60-1000} ~
    FIFA 15 16 17 18 19 20 21 ~ lego {7000-9999} {10000-79999} {100-999} деталей ~
    lego {70000-79999} {70000-79999} {70000-79999} ~ GTA 3 4 5, FIFA {15-24}, NBA 2K{15-24}
number words: пять шесть штук ~ два стула и один стол ~ сто двадцать рублей ~
    две тысячи девятьсот рублей ~ восемь девять лет ~ в двадцать пять лет, один раз ~
    семь дней, двадцать четыре часа ~ три по цене двух, один в подарок ~ с восьми до девяти ~
    one or two, size {6-12} ~ сто пятьдесят на двести сорок ~ двадцать первый размер ~
    три тысячи пятьсот восемьдесят рублей ~ один два три четыре пять ~
    восемь стульев, девять {10-99} ~ тысяча девятьсот девяносто один год ~
    пятьдесят пять тысяч восемьсот
mixed numbers: {1-9} фото {1-9} видео {10-99} отзывов ~ торг до {10-99}% при {2-9} шт ~
    {1-9}) {10-99} {2-9}) {100-999} ~ 1. {100-999} 2. {100-999} 3. {100-999} 4. {10-99} ~
    от -{10-40} до +{20-60} ~ +{18-45} С, {40-80}% ~ рост {150-190} вес {45-99} р {42-54} ~
    8 в 1, 7 цветов, {900-999} шт ~ {1-4}×{100-999}, {1-4}×{100-999}, {1-4}×{10-99} ~
    {10-50} {10-50} {10-50} {10-50} {10-50} ~
    7 ноутбуков, 9{10-99} мест, {100-999} {10-99} {10-99} ячеек ~
    8 марта 9{10-99} букетов, {100-999} роз, {10-99} ваз, {10-99} р
mail signs: 2 @ £{5-50} ~ @{1-4}.{1-9}GHz ~ BOWERS@WILKINS ~ пишите в телеграм ~
    есть вк и инстаграм ~ вайбер, ватсап, телеграм с 9 до 20 ~ Node.js ~ цена.Торг.Самовывоз ~
    точка на карте ~ собака лабрадор 2 года ~ игрушка собака mail ~ отдам собака и кот ~
    skype, zoom, telegram ~ Instagram YouTube Facebook {100-999} ~ tg {100-999} ~ вк {10-99} шт ~
    WhatsApp Viber {10-20}-{21-23} ~ отличное сост.Звоните ~ телеграм Premium ~
    смарт тв: youtube, vk, instagram ~ instagram: фото ~ точка доступа com порт ~
    камера instax mini{7-12} ~ скайп Logitech C{200-930} ~ телега: грузит {300-900} кг
"""
_FORM = re.compile(
    r"\{(?:(?P<low>[\d.]+)-(?P<high>[\d.]+)|(?P<list>\d+:\d+:\d+)|T|(?P<one>\d+))\}|<(?P<words>[^<>]*)>"
)


def _ordinary(forms: list[str]) -> Callable[[Rng], str]:
    return lambda rng: _FORM.sub(lambda match: _fill(match, rng), rng.choice(forms))


def _fill(match: re.Match[str], rng: Rng) -> str:
    if match["words"] is not None:
        return rng.choice(match["words"].split("|"))
    if match["list"]:
        return _rising(rng, *map(int, match["list"].split(":")))
    if match["one"]:
        return match["one"]
    if match["low"] is None:
        parts = [
            rng.randint(1, 999),
            *rng.choices([0, 500, rng.randint(0, 999)], k=rng.choice([1, 1, 2])),
        ]
        gap = rng.choice(" . ,\xa0'")
        return gap.join([str(parts[0]), *(f"{part:03}" for part in parts[1:])])
    if "." in match["low"]:
        return f"{rng.uniform(float(match['low']), float(match['high'])):.1f}"
    return str(rng.randint(int(match["low"]), int(match["high"]))).zfill(len(match["low"]))


def _rising(rng: Rng, start: int, stop: int, step: int) -> str:
    numbers = [*range(start, stop + 1, step)]
    count = min(rng.randint(3, 9), len(numbers))
    first = rng.randrange(len(numbers) - count + 1)
    few = (
        numbers[first : first + count] if rng.random() < 0.6 else sorted(rng.sample(numbers, count))
    )
    return rng.choice([" ", ", ", "-", ",", "/", " / ", ". ", " - ", "; ", " и ", ".", "  "]).join(
        map(str, few)
    )


ORDINARY = {kind: _ordinary(forms) for kind, forms in _by_kind(_FORMS).items()}


# Runs


def main() -> None:
    arguments = ArgumentParser(description=__doc__)
    arguments.add_argument("--each", type=int, default=500, help="texts of each kind")
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--texts", type=Path, help="a table of real texts: title, description")
    arguments.add_argument(
        "--missed", type=int, default=0, help="how many failures of each kind to show"
    )
    arguments.add_argument("--json", action="store_true")
    given = arguments.parse_args()
    result: dict[str, Any] = {"found": {}, "touched": {}}
    for kind, planted in planted_texts(given.each, given.seed).items():
        missed = [one for one in planted if not is_found(one, redact(one.text))]
        result["found"][kind] = 100 - 100 * len(missed) / len(planted)
        for one in missed[: given.missed]:
            print(f"{kind}: {one.contact!r} in {redact(one.text)!r}")
    for kind, texts in ordinary_texts(given.each, given.seed).items():
        touched = [text for text in texts if redact(text) != text]
        result["touched"][kind] = 100 * len(touched) / len(texts)
        for text in touched[: given.missed]:
            print(f"{kind}: {_changes(text)} in {text!r}")
    for kinds in (result["found"], result["touched"]):
        kinds["total"] = sum(kinds.values()) / len(kinds)
    growth = {piece: _growth(piece) for piece in HOSTILE}
    worst = max(growth, key=growth.__getitem__)
    result["growth"] = {"piece": worst, "times": growth[worst]}
    if given.texts:
        result["texts"] = _real(given)
    print(json.dumps(result, indent=2, ensure_ascii=False) if given.json else _table(result))


def _real(given: Namespace) -> dict[str, Any]:
    with given.texts.open(encoding="utf-8", newline="") as file:
        texts = [f"{row['title']}\n{row['description']}" for row in csv.DictReader(file)]
    began = time.perf_counter()
    changed = [text for text in texts if redact(text) != text]
    spent = time.perf_counter() - began
    return {
        "texts": len(texts),
        "changed": len(changed),
        "us_per_text": round(spent / len(texts) * 1e6, 1),
        "pieces": [piece for text in changed for piece in _changes(text)],
    }


def hostile(piece: str, length: int) -> str:
    """Return the piece repeated to a text of about that length, which ends in a hint at a name."""
    return piece * (length // len(piece)) + "@"


def _growth(piece: str) -> float:
    """Return how much longer a text takes that is four times as long: 4 if time is linear."""
    took = []
    for length in (5_000, 20_000):
        began = time.perf_counter()
        redact(hostile(piece, length))
        took.append(time.perf_counter() - began)
    return round(took[1] / took[0], 1)


def _changes(text: str) -> list[str]:
    """Return what redaction removes from the text and puts in, piece by piece."""
    before, after = (re.findall(r"\[\w+\]|\w+|\W", one) for one in (text, redact(text)))
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    return [
        f"{''.join(before[a:b])} > {''.join(after[c:d])}"
        for tag, a, b, c, d in matcher.get_opcodes()
        if tag != "equal"
    ]


def _table(result: dict[str, Any]) -> str:
    lines = []
    for title, kinds in (("found", result["found"]), ("touched", result["touched"])):
        lines += [
            f"{title:24}    %",
            *(f"{kind:24} {share:6.2f}" for kind, share in kinds.items()),
            "",
        ]
    lines.append(
        "of a hostile text, 4 times as long: at most {times} times the time ({piece!r})".format(
            **result["growth"]
        )
    )
    if real := result.get("texts"):
        lines.append(
            "{changed} of {texts} real texts changed, {us_per_text} µs a text".format(**real)
        )
        lines += map(repr, real["pieces"])
    return "\n".join(lines)


if __name__ == "__main__":
    main()
