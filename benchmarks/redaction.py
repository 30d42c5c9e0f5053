"""How many planted contacts the redaction hides, and how many ordinary texts it touches.

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

from src.prepare.redact import EMAIL, LINK, NAME, PHONE, redact

Rng = random.Random
_MARKS = re.compile("|".join(map(re.escape, (EMAIL, LINK, NAME, PHONE))))


class Planted(NamedTuple):
    """A text around a contact; a contact without telling words tells by its digits."""

    before: str
    contact: str
    after: str
    telling: tuple[str, ...]

    @property
    def text(self) -> str:
        return self.before + self.contact + self.after


def is_found(planted: Planted, hidden: str) -> bool:
    """Whether none of the telling words and at most one digit of the contact can still be read."""
    rest = hidden[_shared(planted.before, hidden) :]
    rest = rest[: len(rest) - _shared(planted.after[::-1], rest[::-1])]
    rest = _MARKS.sub(" ", rest).casefold()
    if planted.telling:
        return not any(word.casefold() in rest for word in planted.telling)
    digits = sum(unicodedata.digit(character, None) is not None for character in rest)
    return digits + len(_SPELLED.findall(rest)) <= 1


def planted_texts(each: int, seed: int = 1) -> dict[str, list[Planted]]:
    """Texts with one contact each, by the kind of contact."""
    return {kind: [*_plant(kind, each, seed)] for kind in CONTACTS}


def ordinary_texts(each: int, seed: int = 1) -> dict[str, list[str]]:
    """Texts without contacts but with numbers, by the kind of number."""
    texts = {}
    for kind, make in ORDINARY.items():
        rng = Rng(f"{seed} {kind}")
        texts[kind] = [_around(rng).replace("{}", make(rng)) for _ in range(each)]
    return texts


def _plant(kind: str, each: int, seed: int) -> Iterator[Planted]:
    rng = Rng(f"{seed} {kind}")
    for _ in range(each):
        made = CONTACTS[kind](rng)
        contact, *telling = (made,) if isinstance(made, str) else made
        before, after = _around(rng).split("{}")
        yield Planted(before, contact, after, tuple(telling))


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

_UNITS = "ноль один два три четыре пять шесть семь восемь девять".split()
_TEENS = [
    "десять", *(f"{stem}надцать" for stem in "один две три четыр пят шест сем восем девят".split())
]  # fmt: skip
_TENS = "двадцать тридцать сорок пятьдесят шестьдесят семьдесят восемьдесят девяносто".split()
_HUNDREDS = "сто двести триста четыреста пятьсот шестьсот семьсот восемьсот девятьсот".split()
_ENGLISH = "zero one two three four five six seven eight nine".split()
_SPELLED = re.compile("|".join(sorted([*_UNITS, *_TENS, *_HUNDREDS, *_ENGLISH], reverse=True)))


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
    return rng.choice("999996")[:1].replace("6", "9") + _digits(rng, 9)


def _country(rng: Rng) -> str:
    return rng.choice(["8", "8", "+7", "7"])


def _groups(rng: Rng, number: str) -> list[str]:
    """Ten digits in groups, as people type them."""
    layouts = [(3, 3, 2, 2)] * 4 + [(3, 7), (3, 3, 4), (3, 2, 2, 3), (3, 2, 3, 2)]
    return _split(number, *rng.choice(layouts))


def _joined(rng: Rng, gaps: list[str], number: str | None = None) -> str:
    number = number or _mobile(rng)
    return rng.choice(gaps).join([_country(rng), *_groups(rng, number)])


def _plain(rng: Rng) -> str:
    number = _mobile(rng)
    gap = rng.choice([" ", "-", ".", "/", "", " - ", "  "])
    parts = _groups(rng, number)
    after = rng.choice([gap, gap, ""])
    return _country(rng) + after + rng.choice([gap.join(parts), "".join(parts)])


def _bracketed(rng: Rng) -> str:
    code, *rest = _groups(rng, _mobile(rng))
    left, right = rng.choice(["()", "()", "()", "[]", "{}", "<>"])
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
    marks = rng.sample(dashes, 1) + rng.sample(spaces, 1)
    gap = rng.choice([*marks, f" {marks[0]} ", f"{marks[1]}{marks[0]}{marks[1]}"])
    return gap.join([_country(rng), *_groups(rng, _mobile(rng))])


def _odd_gaps(rng: Rng) -> str:
    gaps = ["_", "*", "/", "\\", "|", "~", "=", "+", ";", ":", ",", "'", "•", "·", "…", "..", "--"]
    gaps += ["🔥", "📞", "❤️", " ☎ ", "⭐", "***", " * ", "--- ", ", ", " / ", " _ ", ". ", ".-", "^", "#"]
    return rng.choice(gaps).join([_country(rng), *_groups(rng, _mobile(rng))])


def _each_digit(rng: Rng) -> str:
    gap = rng.choice([" ", "-", ".", "_", "/", ",", "*", "  ", " - ", ". ", ", ", "|", "\xa0", "..."])
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
    chosen = rng.sample(range(1, len(parts)), rng.randint(1, len(parts) - 2))
    return gap.join(_say(part) if at in chosen else part for at, part in enumerate(parts))


def _look_alike(rng: Rng) -> str:
    alike = {"0": "OОоoQ", "1": "lIi!|", "3": "ЗзЭ", "6": "бb", "8": "BВ", "4": "Ч", "5": "S"}
    weights = {"0": 1.0, "1": 0.5, "3": 0.6, "6": 0.4, "8": 0.3, "4": 0.3, "5": 0.3}
    gap = rng.choice(["", " ", "-", " (-"])
    first, *parts = _split(_mobile(rng), 3, 3, 2, 2)
    text = rng.choice(["8", "+7", "8", "B"]) + (gap + first if len(gap) < 2 else f" ({first}) ")
    number = text + gap[-1:] + gap[-1:].join(parts)
    swapped = [d for d in alike if d in number[2:] and rng.random() < weights[d]] or ["0"]
    for digit in swapped:
        letters = alike[digit][: rng.choice([3, 3, 3, 5])]
        number = number[:2] + number[2:].replace(digit, rng.choice(letters))
    return number


def _other_digits(rng: Rng) -> str:
    styles = ["０１２３４５６７８９", "𝟎𝟏𝟐𝟑𝟒𝟓𝟔𝟕𝟖𝟗", "⓪①②③④⑤⑥⑦⑧⑨", "⁰¹²³⁴⁵⁶⁷⁸⁹", "₀₁₂₃₄₅₆₇₈₉", "𝟶𝟷𝟸𝟹𝟺𝟻𝟼𝟽𝟾𝟿"]
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
            same.join(parts[0] + "".join(parts[1:])),
        ]
    )


def _words_between(rng: Rng) -> str:
    parts = [rng.choice(["8", "8", "+7"]), *_split(_mobile(rng), *rng.choice([(3, 3, 2, 2), (3, 7)]))]
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


def _code_named(rng: Rng) -> str:
    number = _mobile(rng)
    code, rest = number[:3], rng.choice(["", "-", " "]).join(_split(number[3:], 3, 2, 2))
    return rng.choice(
        [
            f"8 (код {code}) {rest}", f"код {code} номер {rest}", f"код {code}, тел. {rest}",
            f"код {code} тел {rest}", f"8 код {code} номер {rest}", f"код оператора {code} номер {rest}",
            f"8-{code}, потом {rest}", f"номер {rest} код {code}", f"код: {code}, номер: {rest}",
            f"{code} код, номер {rest}", f"код {code} - {rest}", f"+7 (код {code}) номер {rest}",
        ]
    )  # fmt: skip


def _eight_apart(rng: Rng) -> str:
    rest = rng.choice(["-", " ", "—", "–", ""]).join(_split(_mobile(rng), 3, 3, 2, 2))
    return rng.choice(
        [
            f"{rest} восемь впереди", f"{rest} (через 8)", f"через 8: {rest}", f"через восьмерку {rest}",
            f"впереди 8, дальше {rest}", f"сначала 8 потом {rest}", f"восьмёрка {rest}", f"8-ка {rest}",
            f"{rest} через восьмерку", f"{rest} с восьмёркой", f"первая 8 {rest}", f"+ 7 {rest}",
            f"восьмерка, {rest}", f"8ка {rest}", f"плюс 7 {rest}",
        ]
    )  # fmt: skip


def _without_country(rng: Rng) -> str:
    groups = _groups(rng, _mobile(rng))
    return rng.choice(["", " ", "-", ".", " - ", "\xa0", "–", "_"]).join(groups)


def _town(rng: Rng) -> str:
    code = rng.choice("495 499 812 343 383 846 831 351 863 347 391 342 473 861 423 395".split())
    number = rng.choice("2346")[:1] + _digits(rng, 6)
    three = rng.choice(["-", " "]).join(_split(number, 3, 2, 2))
    head = rng.choice(["8", "+7"])
    village = rng.choice(["34344", "48439", "49624", "49645", "38822"])
    return rng.choice(
        [
            f"{head} ({code}) {three}", f"{head}-{code}-{three}", f"{head}({code}){number}",
            f"{head} {code} {three}", f"({code}) {three}", f"тел. {'-'.join(_split(number, 3, 2, 2))}",
            f"8({village}){'-'.join(_split(number, 1, 2, 2))}", f"8{code}{number}",
            f"тел: {number}", f"т. {'-'.join(_split(number[1:], 2, 2, 2))}",
            f"8 800 {three.replace('-', ' ')}", f"8-800-{three}",
        ]
    )  # fmt: skip


def _two(rng: Rng) -> str:
    gaps = [", ", " ", "/", " / ", " или ", " и ", "; ", "\n", ",", ";", " - Олег, ", " (Анна) ", "|"]
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
    before = rng.choice(["тел", "т.", "тел.", "Звоните", "моб:", "телефон", "☎", "📞", "т", "номер"])
    return before + number + rng.choice(["Иван", "", "звоните", "ватсап", "!", "Елена", "📱"])


def _with_messenger(rng: Rng) -> str:
    app = rng.choice(
        "WhatsApp Viber Вайбер вацап Ватсап воцап вотсап тг телега Telegram viber/whatsapp вотс вб ws "
        "whatsap Телеграм вайбер,ватсап wa смс".split()
    )
    number = rng.choice([_plain, _bracketed, _without_country])(rng)
    return rng.choice([f"{app}{rng.choice([' ', ': ', ' - ', ':', ' по номеру '])}{number}",
                       f"{number} ({app})", f"{number} {app}", f"{number}-{app}"])  # fmt: skip


def _belarus(rng: Rng) -> str:
    code = rng.choice(["29", "33", "44", "25"])
    number = rng.choice("123567") + _digits(rng, 6)
    gap = rng.choice([" ", "-", ""])
    rest = gap.join(_split(number, 3, 2, 2))
    return rng.choice(
        [
            f"+375 {code} {rest}", f"+375{code}{number}", f"+375 ({code}) {rest}", f"375{code}{number}",
            f"8 0{code} {rest}", f"80{code}{number}", f"8 (0{code}) {rest}", f"8-0{code}-{rest}",
            f"+375-{code}-{rest}", f"375 {code} {rest}", f"00375 {code} {rest}", f"+375({code}){rest}",
        ]
    )  # fmt: skip


def _ukraine(rng: Rng) -> str:
    code = rng.choice("50 63 66 67 68 73 93 95 96 97 98 99".split())
    number = _digits(rng, 7)
    rest = rng.choice([" ", "-", ""]).join(_split(number, 3, 2, 2))
    return rng.choice(
        [
            f"+380 {code} {rest}", f"+380{code}{number}", f"+38 (0{code}) {rest}", f"0{code}{number}",
            f"38 0{code} {rest}", f"380{code}{number}", f"0{code} {rest}", f"+38 0{code} {rest}",
            f"(0{code}) {rest}", f"+38-0{code}-{rest}", f"0{code}-{rest}",
        ]
    )  # fmt: skip


def _neighbours(rng: Rng) -> str:
    code, rest = rng.choice(
        [("7", "7" + rng.choice(["01", "02", "05", "07", "47", "75", "77"]) + _digits(rng, 7)),
         ("996", rng.choice(["555", "700", "770"]) + _digits(rng, 6)),
         ("998", rng.choice(["90", "91", "93", "97"]) + _digits(rng, 7)),
         ("374", rng.choice(["91", "93", "77"]) + _digits(rng, 6)),
         ("995", rng.choice(["555", "577", "599"]) + _digits(rng, 6)),
         ("992", rng.choice(["90", "91", "92", "93"]) + _digits(rng, 7)),
         ("373", rng.choice(["69", "79"]) + _digits(rng, 6)),
         ("994", rng.choice(["50", "51", "55", "70"]) + _digits(rng, 7))]
    )  # fmt: skip
    size = 2 if len(rest) == 9 and code in ("998", "992", "994") or len(rest) == 8 else 3
    left = len(rest) - size
    groups = _split(rest, size, *((3, 2, 2) if left == 7 else (3, 3) if left == 6 else (left,)))
    gap = rng.choice([" ", "-", ""])
    if code == "7" and rng.random() < 0.3:
        return gap.join(["8", *groups])
    return rng.choice(
        ["+" + gap.join([code, *groups]), f"+{code}{rest}", f"+{code} ({groups[0]}) {' '.join(groups[1:])}",
         f"00{code}{rest}" if code != "7" else f"+7{rest}", f"+ {code} {' '.join(groups)}"]
    )  # fmt: skip


def _abroad(rng: Rng) -> str:
    code, sizes = rng.choice(
        [("49", (3, 8)), ("49", (3, 4, 4)), ("48", (3, 3, 3)), ("33", (1, 2, 2, 2, 2)), ("39", (3, 3, 4)),
         ("34", (3, 3, 3)), ("90", (3, 3, 2, 2)), ("972", (2, 3, 4)), ("86", (3, 4, 4)), ("371", (2, 3, 3)),
         ("370", (3, 2, 3)), ("372", (4, 4)), ("358", (2, 3, 4)), ("1", (3, 3, 4)), ("66", (2, 3, 4))]
    )  # fmt: skip
    first = {"49": "1", "33": "6", "39": "3", "34": "6", "90": "5", "972": "5", "86": "1", "371": "2",
             "370": "6", "372": "5", "358": "4", "1": "2", "66": "8", "48": "5"}[code]  # fmt: skip
    second = {"49": "57", "39": "248", "86": "35", "1": "01", "358": "05", "972": "024", "370": "0",
              "48": "01", "90": "34", "371": "069"}.get(code, "12")  # fmt: skip
    number = first + rng.choice(second) + _digits(rng, sum(sizes) - 2)
    number = number[:3] + "2" + number[4:] if code == "1" else number
    groups = _split(number, *sizes)
    gap = rng.choice([" ", "-", "", "."])
    head = rng.choice(["+", "+", "+", "00", "+ "])
    if rng.random() < 0.15:
        return f"+{code} ({groups[0]}) {' '.join(groups[1:])}"
    return head + gap.join([code, *groups])


def _british(rng: Rng) -> str:
    rest = rng.choice("345789") + _digits(rng, 8)
    area = rng.choice(["121", "161", "113", "141", "151"])
    town = f"0{area} {rng.choice('2345678')}{_digits(rng, 2)} {_digits(rng, 4)}"
    words = " ".join(_ENGLISH[int(digit)] for digit in f"07{rest}")
    return rng.choice(
        [
            f"07{rest}", f"07{rest[:3]} {rest[3:]}", f"07{rest[:3]} {rest[3:6]} {rest[6:]}",
            f"+447{rest}", f"+44 7{rest[:3]} {rest[3:]}", f"0044 7{rest[:3]} {rest[3:]}",
            f"+44 (0) 7{rest[:3]} {rest[3:]}", f"07{rest[:3]}-{rest[3:6]}-{rest[6:]}", town, words,
            f"07 {rest[:3]} {rest[3:6]} {rest[6:]}", f"0 7 {' '.join(rest)}", town.replace(" ", ""),
            f"(07{rest[:3]}) {rest[3:]}", f"07{rest[0]} {rest[1:5]} {rest[5:]}", f"020 7946 {rest[:4]}",
            f"O7{rest[:3]} {rest[3:]}", f"07{rest[:3]}.{rest[3:]}", f"00447{rest}", f"447{rest}",
        ]
    )  # fmt: skip


# E-mails, links and names

_FIRST = "ivan masha olga mebel remont alex dima sveta kolya shop nata petr julia anton lena".split()
_LAST = "petrov shop msk spb best style home sidorova ivanov kids market decor auto smith".split()


def _login(rng: Rng, marks: str = "._") -> str:
    parts = [rng.choice(_FIRST), rng.choice([*marks, ""]), rng.choice(_LAST)]
    return "".join([*parts, rng.choice(["", "", str(rng.randint(1, 2025)), "_" if "_" in marks else ""])])


_HOSTS = ["mail.ru", "yandex.ru", "gmail.com", "ya.ru", "bk.ru", "list.ru", "inbox.ru", "rambler.ru"]


def _email(rng: Rng) -> tuple[str, str]:
    login = _login(rng, "._-+")
    host = rng.choice([*_HOSTS, "hotmail.co.uk", "yahoo.com", "mail.company.ru", "outlook.com"])
    shown = rng.choice([str.lower, str.lower, str.upper, str.title])(f"{login}@{host}")
    return rng.choice(["", "", "mailto:", "e-mail:", "Почта: ", "<"]) + shown, login


def _dodged_email(rng: Rng) -> tuple[str, str]:
    login = _login(rng).strip("_")
    host, end = rng.choice(_HOSTS).split(".")
    spoken = {"mail": "мейл", "yandex": "яндекс", "gmail": "джимейл", "bk": "бк", "rambler": "рамблер"}
    said = spoken.get(host, "мэйл")
    ru = {"ru": "ру", "com": "ком"}[end]
    return rng.choice(
        [
            f"{login} собака {host} точка {end}", f"{login} собака {host} точка {ru}", f"{login}(at){host}.{end}",
            f"{login} @ {host} . {end}", f"{login} [at] {host} [dot] {end}", f"{login}_собака_{host}.{end}",
            f"{login}собака{host}.{end}", f"{login} собачка {host}.{end}", f"{login}@{host} точка {ru}",
            f"{login} @ {host} {end}", f"{login} at {host} dot {end}", f"{login}{{at}}{host}.{end}",
            f"{login}@{host},{end}", f"{login}@ {host}. {end}", f"{login} собака {said} точка {ru}",
            f"{login}(собака){host}(точка){end}", f"{login}[собака]{host}.{end}", f"{login} (a) {host}.{end}",
            f"{login} (@) {host} . {end}", f"{login} СОБАКА {host}.{end}", f"{login}＠{host}.{end}",
            f"{login} @{host}.{end}", f"{login}(dog){host}.{end}", f"{login}*собака*{host}.{end}",
        ]
    ), login  # fmt: skip


def _link(rng: Rng) -> tuple[str, str]:
    name = _login(rng, "-").replace("_", "")
    path = _login(rng)
    number = str(rng.randint(10**6, 10**9))
    return rng.choice(
        [
            (f"https://{name}.ru/catalog/{path}?id={number}", name, path, number), (f"http://{name}.com", name),
            (f"www.{name}.ru", name), (f"{name}.ru", name), (f"t.me/{path}", path), (f"vk.com/id{number}", number),
            (f"https://vk.com/{path}", path), (f"wa.me/7{number}", number), (f"instagram.com/{path}", path),
            (f"https://t.me/+{path}", path), (f"ok.ru/profile/{number}", number), (f"{name}.рф", name),
            (f"{name}.online/{path}", name, path), (f"HTTPS://{name.upper()}.RU", name), (f"m.vk.com/{path}", path),
            (f"https://www.avito.ru/user/{number}/profile", number), (f"youtu.be/{path}", path),
            (f"https://api.whatsapp.com/send?phone=7{number}", number), (f"clck.ru/{path}", path),
            (f"www.{name}.co.uk/{path}", name, path), (f"viber://chat?number=%2B7{number}", number),
            (f"{name}.net", name), (f"{name}.shop/{path}", name), (f"t.me/joinchat/{path}", path),
            (f"tg://resolve?domain={path}", path), (f"bit.ly/{path}", path), (f"{name}.tilda.ws/{path}", name),
            (f"facebook.com/{path}", path), (f"goo.gl/{path}", path), (f"telegram.me/{path}", path),
        ]
    )  # fmt: skip


def _dodged_link(rng: Rng) -> tuple[str, str]:
    name = _login(rng, "-").replace("_", "")
    path = _login(rng).strip("_")
    number = f"id{rng.randint(10**6, 10**9)}"
    return rng.choice(
        [
            (f"vk точка com / {number}", number), (f"vk . com / {number}", number), (f"vk. com/{number}", number),
            (f"t. me/{path}", path), (f"t.me / {path}", path), (f"вк точка ком слэш {path}", path),
            (f"{name} точка ру", name), (f"{name} (точка) ru", name), (f"{name}[.]ru", name),
            (f"hxxp://{name}.ru", name), (f"http: //{name}.ru", name), (f"www {name} ru", name),
            (f"www. {name}. ru", name), (f"{name} точка рф", name), (f"vk com/{number}", number),
            (f"вк.ком/{number}", number), (f"vk(.)com/{number}", number), (f"{name}(точка)com", name),
            (f"{name} dot com", name), (f"https:// {name}.ru", name), (f"www.{name} точка ru", name),
            (f"t . me / {path}", path), (f"т.ме/{path}", path), (f"vk.com\\{number}", number),
            (f"инстаграм точка ком/{path}", path), (f"{name} . ru", name), (f"сайт {name} ru", name),
        ]
    )  # fmt: skip


def _name(rng: Rng) -> tuple[str, str]:
    login = _login(rng, "_").strip("_")
    before = rng.choice(["", "", "", "tg ", "тг: ", "телеграм ", "Telegram:", "инста ", "tg", "ник ", "тг"])
    at = rng.choice(["@", "@", "@", "@", "@ ", "＠"])
    return before + at + login + rng.choice(["", "", "", " (тг)"]), login


def _messenger_name(rng: Rng) -> tuple[str, str]:
    login = _login(rng, rng.choice(["_", "."])).strip("_")
    app = rng.choice(
        "инстаграм инстаграмм инста телеграм телеграмм телега тг tg telegram instagram insta Инстаграм "
        "vk вк скайп skype Телеграм Instagram TG ТГ facebook фейсбук".split()
    )
    return rng.choice([f"{app}: {login}", f"{app}:{login}", f"{app} : {login}", f"{app} = {login}"]), login


def _dodged_name(rng: Rng) -> tuple[str, str]:
    first, last = rng.choice(_FIRST), rng.choice(_LAST)
    plain = first + last
    login = rng.choice([f"{first}_{last}", f"{plain}{rng.randint(1, 2025)}", f"{first}.{last}_"]).strip("_")
    app = rng.choice("тг tg телеграм телеграмм телега инста инстаграм telegram instagram insta вк".split())
    return rng.choice(
        [
            (f"ник в {rng.choice(['тг', 'телеграме', 'телеге', 'инстаграме', 'вк'])}: {plain}", plain),
            (f"{app} {login}", login), (f"{app} - {login}", login), (f"{app} ник {login}", login),
            (f"в телеграме {login}", login), (f"пишите в телегу {login}", login), (f"{app} — {login}", login),
            (f"наш инстаграм {login}", login), (f"my insta is {login}", login), (f"{app}\n{login}", login),
            (f"в инстаграме {login}", login), (f"{app} собака {login}", login), (f"{app} ({login})", login),
            (f"ник в инсте {login}", login), (f"{app}, {login}", login), (f"{app} ник: {plain}", plain),
            (f"{app} \"{login}\"", login), (f"ищите в вк {login}", login), (f"{app} :{plain}", plain),
        ]
    )  # fmt: skip


CONTACTS: dict[str, Callable[[Rng], str | tuple[str, ...]]] = {
    "phone, plain": _plain, "phone, brackets": _bracketed, "phone, unicode gaps": _unicode_gaps,
    "phone, odd gaps": _odd_gaps, "phone, each digit": _each_digit, "phone, spelled": _spelled,
    "phone, half spelled": _half_spelled, "phone, look-alikes": _look_alike,
    "phone, other digits": _other_digits, "phone, letters between": _letters_between,
    "phone, words between": _words_between, "phone, code named": _code_named,
    "phone, 8 apart": _eight_apart, "phone, no country": _without_country, "phone, town": _town,
    "phone, two": _two, "phone, over lines": _over_lines, "phone, glued": _glued,
    "phone, messenger": _with_messenger, "phone, Belarus": _belarus, "phone, Ukraine": _ukraine,
    "phone, neighbours": _neighbours, "phone, abroad": _abroad, "phone, British": _british,
    "e-mail": _email, "e-mail, dodged": _dodged_email, "link": _link, "link, dodged": _dodged_link,
    "name, @": _name, "name, messenger": _messenger_name, "name, dodged": _dodged_name,
}  # fmt: skip

# Ordinary numbers


def _ordered(rng: Rng, start: int, stop: int, step: int, gaps: list[str]) -> str:
    few = sorted(rng.sample(range(start, stop, step), rng.randint(3, 8)))
    if rng.random() < 0.5:
        first = rng.choice(range(start, stop - 7 * step, step))
        few = [first + step * at for at in range(rng.randint(4, 8))]
    return rng.choice(gaps).join(map(str, few))


def _one_of(*makers: Callable[[Rng], str]) -> Callable[[Rng], str]:
    return lambda rng: rng.choice(makers)(rng)


def _thousands(rng: Rng) -> str:
    parts = [rng.randint(1, 999), *rng.choices([0, 500, 900, 250, rng.randint(0, 999)], k=rng.choice([1, 2]))]
    gap = rng.choice([" ", " ", ".", ",", "\xa0", "'"])
    return gap.join([str(parts[0]), *(f"{part:03}" for part in parts[1:])])


_LISTS = [" ", ", ", "-", ",", "/", " / ", ". ", " - ", "; "]

