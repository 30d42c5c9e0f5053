"""Find phone numbers in the texts of listings, also those hidden from a site's filter."""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import pairwise

from src.prepare.digits import Number, number_chains

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
        (3, 1, 2, 2, 2), (3, 2, 2, 2, 1)}  # fmt: skip
_LOCAL = {(3, 2, 2), (2, 2, 2), (1, 2, 2), (3, 4)}
_LENGTHS = frozenset((5, 6, 7, 10, 11, 12, 13, 14, 15))
_NEARBY = ("375", "380", "373", "374", "992", "993", "994", "995", "996", "998")


def hide_phones(text: str, mark: str) -> str:
    """Replace every phone number in the text by `mark`; see `redact`."""
    pieces: list[str] = []
    done = 0
    for chain in number_chains(text):
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


def _phone_from(text: str, chain: list[Number], first: int) -> int | None:
    """The last index of the longest phone number that begins at `first` in the chain."""
    plus = _PLUS.search(text, max(0, chain[first].start - 9), chain[first].start) is not None
    digits = ""
    best = None
    for last in range(first, len(chain)):
        digits += chain[last].digits
        if len(digits) > 15:
            break
        likely = len(digits) in _LENGTHS or (plus and len(digits) >= 8)
        if likely and _is_phone(text, chain, first, last, digits, plus):
            best = last
    if best is not None and not plus:
        for start in (chain[0].start, chain[first].start):
            if _ARTICLE.search(text, max(0, start - 40), start):
                return None
    return best


def _is_phone(
    text: str, chain: list[Number], first: int, last: int, digits: str, plus: bool
) -> bool:
    numbers = chain[first : last + 1]
    start, end = numbers[0].start, numbers[-1].end
    groups = tuple(len(number.digits) for number in numbers)
    if plus:
        if len(digits) == 11 and digits[0] == "7" and digits[1] in "3456789":
            return True
        return len(digits) >= 8 and _exists("+" + digits, None, len(digits) >= 10)
    if len(digits) <= 7 and first == 0 and last == len(chain) - 1 and _local(text, numbers, groups):
        return True
    if len(digits) in (7, 10) and _brackets_open(text, start, end):
        return not _UNIT.match(text, end) and (len(digits) == 7 or groups in _TEN)
    if _serial(text, start):
        return False
    if len(digits) == 11 and digits[0] in "78" and digits[1] in "3489":
        spelled = any(number.spelled for number in numbers)
        if spelled or digits[1] == "9" or _exists(digits, "RU"):
            return _eleven(text, numbers, groups)
    if _UNIT.match(text, end):
        return False
    if len(digits) == 10:
        return _ten(text[start:end], groups, digits)
    return len(digits) > 10 and _foreign(groups, digits)


def _local(text: str, numbers: list[Number], groups: tuple[int, ...]) -> bool:
    """Whether a town's number without its code stands after a word of calling: "тел. 123-45-67"."""
    start, end = numbers[0].start, numbers[-1].end
    if _UNIT.match(text, end) or not _CALL.search(text, max(0, start - 30), start):
        return False
    if groups in _LOCAL:
        return "-" in text[start:end] or "–" in text[start:end]
    return groups == (7,) and ":" in text[max(0, start - 3) : start]


def _ten(inside: str, groups: tuple[int, ...], digits: str) -> bool:
    """Whether ten digits without a country code are a mobile or an American number."""
    if digits[0] == "0":
        return groups in {(3, 3, 2, 2), (3, 7)} and _exists(digits, "UA")
    if digits[0] == "9" and groups in _TEN:
        return True
    american = groups == (3, 3, 4) and min(digits[0], digits[3]) >= "2"
    return american and not {" ", "*"} & set(inside)


def _foreign(groups: tuple[int, ...], digits: str) -> bool:
    """Whether the digits are a number of another country written without "+"."""
    if digits.startswith("00") and groups[0] != 1:
        return _exists("+" + digits[2:], None)
    if digits.startswith(_NEARBY) and len(digits) in (11, 12):
        return groups[0] in (3, len(digits)) and _exists("+" + digits, None)
    if digits[0] == "0" and len(digits) == 11:
        return (groups[0] >= 3 or len(groups) == 11) and _exists(digits, "GB")
    if digits.startswith("80") and len(digits) == 11:
        return groups[0] == 1 and _exists(digits, "BY")
    return False


def _eleven(text: str, numbers: list[Number], groups: tuple[int, ...]) -> bool:
    """Whether eleven digits from 7 or 8 are laid out as a number, not as a list of sizes."""
    rest = groups[1:] if groups[0] == 1 else (groups[0] - 1, *groups[1:])
    if rest in _TEN or rest == (2, 2, 2, 2, 2) or len(groups) == 1:
        return True
    rising = all(int(a.digits) < int(b.digits) for a, b in pairwise(numbers))
    return not rising and "*" not in text[numbers[0].start : numbers[-1].end]


def _brackets_open(text: str, start: int, end: int) -> bool:
    """Whether the number begins with a code in brackets: "(343) 123-45-67"."""
    return text[start - 1 : start] == "(" and ")" in text[start + 2 : min(end, start + 7)]


def _serial(text: str, start: int) -> bool:
    """Whether Latin letters or a sign of numbering stand right before, as in "SN8905…"."""
    before = text[max(0, start - 12) : start]
    if before.endswith(("#", "№")):
        return True
    glued = re.search(r"[A-Za-z]+$", before)
    # A whole word that lost its space ("quote01753 …") is no serial's prefix.
    if glued is None or (len(glued[0]) > 3 and not glued[0].isupper()):
        return False
    return not _CALL.search(text, max(0, start - 30), start)


def _with_prefix(text: str, start: int, end: int, done: int) -> int:
    """Move the start back over "+", "плюс" and a bracket that closes inside the number."""
    inside = text[start:end]
    if inside.count(")") > inside.count("(") and text[start - 1 : start] == "(" and start > done:
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
