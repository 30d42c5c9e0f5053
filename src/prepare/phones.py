"""Find phone numbers in the texts of listings, also those hidden from a site's filter."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

# Letters that stand for a digit in "8 (9O5) l23-4б-67".
_ALIKE = dict(zip("OoОоЗзбlIBВS", "000033611885", strict=True))
_A = "".join(_ALIKE)
_NUMBER = re.compile(rf"[{_A}]{{0,2}}[0-9][0-9{_A}]*|(?<![^\W_])[OoОо]{{2}}(?![^\W_])")

_SPELLED = {
    word: str(number)
    for number, words in {
        0: "ноль нуль zero", 1: "один одна one", 2: "два две two", 3: "три three",
        4: "четыре four", 5: "пять five", 6: "шесть six", 7: "семь seven",
        8: "восемь восем eight", 9: "девять девят nine", 10: "десять", 11: "одиннадцать",
        12: "двенадцать", 13: "тринадцать", 14: "четырнадцать", 15: "пятнадцать",
        16: "шестнадцать", 17: "семнадцать", 18: "восемнадцать", 19: "девятнадцать",
        20: "двадцать", 30: "тридцать", 40: "сорок", 50: "пятьдесят", 60: "шестьдесят",
        70: "семьдесят", 80: "восемьдесят", 90: "девяносто", 100: "сто", 200: "двести",
        300: "триста", 400: "четыреста", 500: "пятьсот", 600: "шестьсот", 700: "семьсот",
        800: "восемьсот восемсот", 900: "девятьсот девятсот",
    }.items()
    for word in words.split()
}  # fmt: skip
_WORD = "|".join(sorted(_SPELLED, key=len, reverse=True))
_SPELLED_WORD = re.compile(_WORD)
_NUMBER_OR_WORDS = re.compile(
    rf"{_NUMBER.pattern}|(?<![^\W\d_])(?:{_WORD})+(?![^\W\d_])", re.IGNORECASE
)

_GLUED = re.compile(r"[0-9]{6,7}(?:07|[78]9)[0-9]{9}")
_GAP = re.compile(
    r"(?:[ \t\xa0\u2000-\u200f\u2028-\u202f\u2060\ufe0f\u20e3()\[\]\-‐‑‒–—−._*~=|•·]{0,5}|,)"
)
_PLUS = re.compile(r"(?:\+|(?<!\w)плюс|(?<!\w)plus)[ (]{0,3}$", re.IGNORECASE)
_ARTICLE = re.compile(
    r"(?:арт(?:икул)?|код|штрих-?код|isbn|ean|s/?n|p/?n|imei|vin|инн|огрн|серийн\w*|сер|модель|"
    r"model|serial|объекта|заказа?|кадастров\w*|базе|каталог\w*)"
    r"(?: номер| number| no| товара| запчасти)?[\s.:№#-]{0,4}$",
    re.IGNORECASE,
)
_CALL = re.compile(
    r"(?<!\w)(?:т|тел|телефон\w*|моб\w*|сот\w*|(?:по)?звон\w*|номер\w*|в[ао]тс?ап|whats ?app|viber|"
    r"вайбер|phone|call|text|ring|mob|mobile|tel|contact)(?: по| на| number| no| us on| me on| on)?"
    r"[\s.:,=№-]{0,4}\(?$",
    re.IGNORECASE,
)
_UNIT = re.compile(
    r"\s?(?:руб|р\b|₽|\$|€|£|тыс|т\.|млн|см|мм|м\b|кг|г\b|гр|шт|км|мл|л\b|квт|вт\b|cm|mm|kg|km|"
    r"mah|мач|gb|гб|usd|rub|x\d|х\d)",
    re.IGNORECASE,
)
# A phone number without its country code, as people lay it out.
_TEN = {(3, 3, 2, 2), (3, 3, 4), (3, 7), (10,), (3, 2, 2, 3), (3, 2, 3, 2), (3, 4, 3), (4, 6),
        (4, 2, 2, 2), (4, 3, 3), (5, 1, 2, 2), (5, 5), (5, 3, 2), (1,) * 10, (3, 1, 3, 3),
        (3, 1, 2, 2, 2), (3, 2, 2, 2, 1), (2, 2, 2, 2, 2)}  # fmt: skip
_LOCAL = {(3, 2, 2), (2, 2, 2), (1, 2, 2), (3, 4)}
_COUNTRIES_NEARBY = (
    "375",
    "380",
    "373",
    "374",
    "992",
    "993",
    "994",
    "995",
    "996",
    "998",
)


class _Number(NamedTuple):
    """A run of digits in the text, or number words read as digits."""

    start: int
    end: int
    digits: str
    spelled: bool


def hide_phones(text: str, mark: str) -> str:
    """Replace every phone number in the text by `mark`; see `redact`."""
    pieces: list[str] = []
    done = 0
    for chain in _chains(text):
        first = 0
        while first < len(chain):
            last = _phone_from(text, chain, first)
            if last is None:
                first += 1
                continue
            start = _with_prefix(text, chain[first].start, chain[last].end, done)
            pieces += [text[done:start], mark]
            done = chain[last].end
            first = last + 1
    return "".join(pieces) + text[done:] if pieces else text


def _chains(text: str) -> list[list[_Number]]:
    """Numbers that only separators stand between, five digits in all or more."""
    numbers = _numbers(text)
    chains: list[list[_Number]] = []
    for number in numbers:
        if chains and _GAP.fullmatch(text, chains[-1][-1].end, number.start):
            chains[-1].append(number)
        else:
            chains.append([number])
    return [
        chain for chain in chains if sum(len(number.digits) for number in chain) >= 5
    ]


def _numbers(text: str) -> list[_Number]:
    # Digits of other scripts and styles (full-width, mathematical, circled) become plain ones.
    if not text.isascii():
        text = "".join(
            c if c < "\u0600" and c not in "²³¹" else _plain_digit(c) for c in text
        )
    found: list[_Number] = []
    spelled = _SPELLED_WORD.search(text.lower()) is not None
    for match in (_NUMBER_OR_WORDS if spelled else _NUMBER).finditer(text):
        start, end = match.span()
        piece = match[0]
        if spelled and len(piece) > 1 and _SPELLED_WORD.match(piece.lower()):
            for word in _SPELLED_WORD.finditer(piece.lower()):
                _add_spelled(
                    found, text, start + word.start(), start + word.end(), word[0]
                )
            continue
        # A look-alike letter that begins or ends a word is that letter.
        if text[end : end + 1].isalpha():
            piece = piece.rstrip(_A)
            end = start + len(piece)
        if start and text[start - 1].isalpha():
            piece = piece.lstrip(_A)
            start = end - len(piece)
        if not piece:
            continue
        digits = "".join(_ALIKE.get(c, c) for c in piece)
        # Two numbers with the space between them lost: "01753 57450907429979846".
        cut = end - 11 if _GLUED.fullmatch(digits) else end
        found.append(_Number(start, cut, digits[: cut - start], False))
        if cut < end:
            found.append(_Number(cut, end, digits[cut - start :], False))
    return found


@lru_cache(maxsize=4096)
def _plain_digit(character: str) -> str:
    digit = unicodedata.digit(character, None)
    return character if digit is None else str(digit)


def _add_spelled(
    found: list[_Number], text: str, start: int, end: int, word: str
) -> None:
    """Append a number word; "девятьсот" + "двадцать" + "девять" become 929."""
    digits = _SPELLED[word]
    before = found[-1] if found else None
    if before and before.spelled and text[before.end : start].strip(" -") == "":
        room = len(before.digits) - len(before.digits.rstrip("0"))
        if room >= len(digits) and before.digits != "0" and digits != "0":
            merged = before.digits[: -len(digits)] + digits
            found[-1] = _Number(before.start, end, merged, True)
            return
    found.append(_Number(start, end, digits, True))


def _phone_from(text: str, chain: list[_Number], first: int) -> int | None:
    """The last index of the longest phone number that begins at `first` in the chain."""
    plus = (
        _PLUS.search(text, max(0, chain[first].start - 9), chain[first].start)
        is not None
    )
    digits = ""
    best = None
    for last in range(first, len(chain)):
        digits += chain[last].digits
        if len(digits) > 15:
            break
        if len(digits) >= 5 and _is_phone(text, chain, first, last, digits, plus):
            best = last
    return best


def _is_phone(
    text: str, chain: list[_Number], first: int, last: int, digits: str, plus: bool
) -> bool:
    start, end = chain[first].start, chain[last].end
    groups = tuple(len(number.digits) for number in chain[first : last + 1])
    spelled = any(number.spelled for number in chain[first : last + 1])
    if plus:
        if len(digits) == 11 and digits[0] == "7" and digits[1] in "3456789":
            return True
        return len(digits) >= 8 and _exists("+" + digits, None, len(digits) >= 10)
    if _ARTICLE.search(text, max(0, start - 40), start):
        return False
    if len(digits) == 11 and digits[0] in "78" and digits[1] in "3489":
        if _serial(text, start):
            return False
        if spelled or digits[1] == "9" or _exists(digits, "RU"):
            return _layout_of_eleven(text, chain, first, last, groups)
    if len(digits) in (7, 10) and _brackets_open(text, start, end):
        return not _UNIT.match(text, end) and _ten(groups, digits)
    if _UNIT.match(text, end):
        return False
    if digits.startswith("00") and len(digits) >= 11 and groups[0] != 1:
        return _exists("+" + digits[2:], None)
    if digits.startswith(_COUNTRIES_NEARBY) and len(digits) in (11, 12):
        return groups[0] in (3, len(digits)) and _exists("+" + digits, None)
    if digits[0] == "0" and len(digits) == 11 and not _serial(text, start):
        return (groups[0] >= 3 or len(groups) == 11) and _exists(digits, "GB")
    if digits[0] == "8" and digits[1] == "0" and len(digits) == 11:
        return groups[0] == 1 and _exists(digits, "BY")
    whole = first == 0 or text[chain[first - 1].end : start].strip() != ""
    if len(digits) == 10 and not _serial(text, start):
        if digits[0] == "0":
            return groups in {(3, 3, 2, 2), (3, 7)} and _exists(digits, "UA")
        american = groups == (3, 3, 4) and min(digits[0], digits[3]) >= "2"
        american = american and not {" ", "*"} & set(text[start:end])
        return (digits[0] == "9" and _ten(groups, digits) or american) and (
            first == 0 or not whole
        )
    if (
        first == 0
        and last == len(chain) - 1
        and _CALL.search(text, max(0, start - 30), start)
    ):
        if groups in _LOCAL:
            return "-" in text[start:end] or "–" in text[start:end]
        return groups == (7,) and ":" in text[max(0, start - 3) : start]
    return False


def _layout_of_eleven(
    text: str, chain: list[_Number], first: int, last: int, groups: tuple[int, ...]
) -> bool:
    """Whether eleven digits from 7 or 8 are laid out as a number, not as a list of sizes."""
    rest = groups[1:] if groups[0] == 1 else (groups[0] - 1, *groups[1:])
    if rest in _TEN or len(groups) == 1:
        return True
    values = [int(number.digits) for number in chain[first : last + 1]]
    rising = all(a < b for a, b in pairwise(values))
    return not rising and "*" not in text[chain[first].start : chain[last].end]


def _ten(groups: tuple[int, ...], digits: str) -> bool:
    return groups in _TEN and groups != (2, 2, 2, 2, 2) or len(digits) == 7


def _brackets_open(text: str, start: int, end: int) -> bool:
    """Whether the number begins with a code in brackets: "(343) 123-45-67"."""
    return (
        text[start - 1 : start] == "(" and ")" in text[start + 2 : min(end, start + 7)]
    )


def _serial(text: str, start: int) -> bool:
    """Whether Latin letters or a sign of numbering stand right before, as in "SN8905…"."""
    before = text[max(0, start - 12) : start]
    if before.endswith(("#", "№")):
        return True
    glued = re.search(r"[A-Za-z]+$", before)
    return glued is not None and not _CALL.search(text, max(0, start - 30), start)


def _with_prefix(text: str, start: int, end: int, done: int) -> int:
    """Move the start back over "+", "плюс" and a bracket that closes inside the number."""
    inside = text[start:end]
    if (
        inside.count(")") > inside.count("(")
        and text[start - 1 : start] == "("
        and start > done
    ):
        start -= 1
    plus = _PLUS.search(text, max(done, start - 9), start)
    return plus.start() if plus else start


@lru_cache(maxsize=65536)
def _exists(number: str, region: str | None, possible: bool = False) -> bool:
    import phonenumbers

    try:
        parsed = phonenumbers.parse(number, region)
    except phonenumbers.NumberParseException:
        return False
    if possible:
        return phonenumbers.is_possible_number(parsed)
    return phonenumbers.is_valid_number(parsed)
