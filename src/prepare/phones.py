"""Find phone numbers in the texts of listings, also those hidden from a site's filter."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from itertools import accumulate, pairwise

from src.prepare.digits import Number, number_chains, read_numbers, without_alike

_PLUS = re.compile(r"(?:\+|(?<!\w)плюс|(?<!\w)plus)[ (]{0,3}$", re.IGNORECASE)
_ARTICLE = re.compile(
    r"(?:арт(?:икул)?|код|штрих-?код|isbn|ean|s/?n|p/?n|imei|vin|инн|огрн|серийн\w*|сер|модель|"
    r"model|serial|объекта|заказа?|кадастров\w*|базе|кат\.|катал\w*|ту|гост)"
    r"(?: номер| number| no| товара| запчасти)?[\s.:№#-]{0,4}$",
    re.IGNORECASE,
)
# Where an article number before a phone number has ended.
_APART = re.compile(r"[(\[]|[.!] |[0-9]{8}")
_CALL = re.compile(
    r"(?<!\w)(?:т|тел|телефон\w*|моб\w*|сот\w*|(?:по)?звон\w*|номер\w*|в[ао]тс?ап|whats ?app|viber|"
    r"вайбер|phone|call|text|ring|mob|mobile|tel|contact)(?: по| на| number| no| us on| me on| on)?"
    r"[\s.:,=№-]{0,4}\(?$",
    re.IGNORECASE,
)
_UNIT = re.compile(
    r"\s?(?:руб|р\b|₽|\$|€|£|тыс|т\.|млн|м\b|г\b|шт|л\b|вт\b|gb|гб|usd|rub|x\d|х\d|mah|мач|"
    r"(?:см|мм|кг|гр|км|мл|квт|cm|mm|kg|km)(?![a-zа-я]))",
    re.IGNORECASE,
)
# A Russian number without 8 or +7, as people lay it out; the rest only after 8 or +7.
_MOBILE = {(3, 3, 2, 2), (3, 3, 4), (3, 7), (3, 2, 2, 3), (3, 2, 3, 2), (10,), (1,) * 10}
_TEN = _MOBILE | {(3, 4, 3), (4, 6), (4, 2, 2, 2), (4, 3, 3), (5, 1, 2, 2), (5, 5), (5, 3, 2),
                  (3, 1, 3, 3), (3, 1, 2, 2, 2), (3, 2, 2, 2, 1)}  # fmt: skip
_LOCAL = {(3, 2, 2), (2, 2, 2), (1, 2, 2), (3, 4)}
_BRITISH = {(11,), (5, 6), (5, 3, 3), (4, 3, 4), (3, 4, 4), (3, 8), (4, 7), (2, 3, 3, 3), (1,) * 11}
_LENGTHS = frozenset((5, 6, 7, 10, 11, 12, 13, 14, 15))
_NEARBY = ("375", "380", "373", "374", "992", "993", "994", "995", "996", "998")
_BELARUS = re.compile(r"(?:80|(?:00)?375)(?:25|29|33|44)\d{7}")

_SEVEN = r"\d{3}[ -]?\d\d[ -]?\d\d"
_CODED = re.compile(
    rf"(?:(?:\+?7|8)\W{{0,3}})?(?<!\w)(?:код(?: оператора)?\W{{1,3}}9\d\d|9\d\d код)"
    rf"[^0-9]{{1,20}}{_SEVEN}(?!\d)|(?<!\d){_SEVEN}\W{{1,3}}код\W{{1,3}}9\d\d"
    rf"(?!\d|[^0-9]{{1,20}}{_SEVEN}(?!\d))",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\W\d_]+")
# Words that sellers put into a number to get it past a filter, together with any one other.
_FILLERS = frozenset(
    "номер тире дефис минус плюс пробел точка скобка звоните звонить звони потом затем далее дальше "
    "снова опять оператор оператора".split()
)
_UNITS = frozenset("руб рублей тыс шт см мм кг км мл лет мач гб gb mah cm mm kg usd r".split())


def hide_phones(text: str, mark: str) -> str:
    """Replace every phone number in the text by `mark`; see `redact`."""
    spans: list[tuple[int, int]] = []
    if "код" in text.lower():
        spans = [match.span() for match in _CODED.finditer(text)]
        spans = [span for span in spans if not _ARTICLE.search(text[: span[0]][-40:])]
    numbers = _outside(read_numbers(text), spans)
    if sum(len(number.digits) for number in numbers) >= 11:
        for one_reading in (without_alike(text, numbers), numbers):
            spans += _phones(text, [_outside(one_reading, spans)], _dodged_from)
        numbers = _outside(numbers, spans)
    spans += _phones(text, number_chains(text, numbers), _phone_from)
    for start, end in sorted(spans, reverse=True):
        text = text[:start] + mark + text[end:]
    return text


def _outside(numbers: list[Number], spans: list[tuple[int, int]]) -> list[Number]:
    if not spans:
        return numbers
    return [n for n in numbers if not any(n.start < end and start < n.end for start, end in spans)]


def _phones(
    text: str,
    chains: list[list[Number]],
    phone_from: Callable[[str, list[Number], int], int | None],
) -> list[tuple[int, int]]:
    spans = []
    for chain in chains:
        first = 0
        while first < len(chain):
            last = phone_from(text, chain, first)
            if last is not None:
                start = _with_prefix(text, chain[first].start, chain[last].end)
                spans.append((start, chain[last].end))
            first = first + 1 if last is None else last + 1
    return spans


def _dodged_from(text: str, numbers: list[Number], first: int) -> int | None:
    """The last index of a Russian mobile number from 8 or 7 that anything may stand within.

    "8 916 звоните 123 и 45 и 67", "8х916х123х45х67", or a group on every line.
    """
    last = _dodged_to(text, numbers, first)
    if last is None:
        return None
    # An ordinary number before a phone number can make another one with its beginning.
    even = len({text[a.end : b.start] for a, b in pairwise(numbers[first : last + 1])}) == 1
    if not even and any(_dodged_to(text, numbers, at) for at in range(first + 1, last + 1)):
        return None
    return last


def _dodged_to(text: str, numbers: list[Number], first: int) -> int | None:
    if numbers[first].digits[0] not in "78":
        return None
    digits = ""
    for last in range(first, len(numbers)):
        if last > first and numbers[last].start - numbers[last - 1].end > 25:
            return None
        digits += numbers[last].digits
        if len(digits) >= 11 or (len(digits) > 1 and digits[1] != "9"):
            break
    if len(digits) != 11 or digits[1] != "9":
        return None
    found = numbers[first : last + 1]
    gaps = [text[a.end : b.start] for a, b in pairwise(found)]
    words = {word for word in _WORD.findall(" ".join(gaps).lower()) if len(word) > 1 or word == "r"}
    strange = [word for word in words - _FILLERS if len(word) > 3]
    start = found[0].start
    if words & _UNITS or len(strange) > 1 or _within(text, start) or _serial(text, start):
        return None
    if _ARTICLE.search(text, max(0, start - 40), start):
        return None
    groups = tuple(len(number.digits) for number in found)
    rest = groups[1:] if groups[0] == 1 else (groups[0] - 1, *groups[1:])
    if sum(number.spelled for number in found) > 1:
        return last if {3, 10} <= {*accumulate(rest)} and not strange else None
    if rest == (1,) * 10:
        return last if len({*gaps[1:]}) == 1 else None
    glued = any(len(gap) > 2 and gap.isalpha() for gap in gaps)
    return last if glued or rest in _MOBILE else None


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
        start = chain[first].start
        starts = [start] if _APART.search(text, chain[0].start, start) else [chain[0].start, start]
        if any(_ARTICLE.search(text, max(0, at - 40), at) for at in starts):
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
    if len(digits) == 11 and digits[0] in "78" and digits[1] in "34789":
        rest = groups[1:] if groups[0] == 1 else (groups[0] - 1, *groups[1:])
        if digits[1] == "9":
            return _mobile(text, numbers, rest)
        if _exists("+7" + digits[1:], None):
            return rest in _TEN
    if _UNIT.match(text, end) or _within(text, start):
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
        # Bosch's part numbers begin with 0986.
        glued = groups == (10,) and not digits.startswith("0986")
        return (glued or groups in {(3, 3, 2, 2), (3, 7)}) and _exists(digits, "UA")
    if digits[0] == "9" and groups in _MOBILE:
        return not (groups == (3, 3, 4) and digits[6:8] in ("19", "20") and " " in inside)
    american = groups == (3, 3, 4) and min(digits[0], digits[3]) >= "2"
    return american and not {" ", "*"} & set(inside)


def _foreign(groups: tuple[int, ...], digits: str) -> bool:
    """Whether the digits are a number of another country written without "+"."""
    if _BELARUS.fullmatch(digits):
        return groups[0] in (1, 3, 4, 5) or len(groups) == 1
    if digits.startswith("00") and groups[0] != 1:
        return _exists("+" + digits[2:], None, len(digits) > 12)
    if digits.startswith(_NEARBY) and len(digits) in (11, 12):
        apart = groups[0] == 3 and (len(groups) == 2 or groups[1] < 4) or groups[:2] == (2, 3)
        return (apart or len(groups) == 1) and _exists("+" + digits, None)
    if len(digits) == 12 and digits.startswith("447"):
        return groups[0] in (2, 12) and _exists("+" + digits, None)
    return digits[0] == "0" and groups in _BRITISH and _exists(digits, "GB")


def _mobile(text: str, numbers: list[Number], rest: tuple[int, ...]) -> bool:
    """Whether digits from 7 or 8 and 9 are laid out as a number, not as a list of sizes."""
    if rest in _TEN or rest == (2, 2, 2, 2, 2):
        return True
    rising = all(int(a.digits) < int(b.digits) for a, b in pairwise(numbers))
    if rising or "*" in text[numbers[0].start : numbers[-1].end]:
        return False
    spelled = any(number.spelled for number in numbers)
    return spelled or rest[0] in (5, 6) or max(rest[1:]) == 1 or (rest[0] == 3 and max(rest) == 3)


def _within(text: str, start: int) -> bool:
    """Whether the number goes on from another: "5154-030-73613255"."""
    return start > 1 and text[start - 1] in "-–./*" and text[start - 2].isdigit()


def _brackets_open(text: str, start: int, end: int) -> bool:
    """Whether the number begins with a code in brackets: "(343) 123-45-67"."""
    return text[start - 1 : start] == "(" and ")" in text[start + 2 : min(end, start + 7)]


def _serial(text: str, start: int) -> bool:
    """Whether Latin letters or a sign of numbering stand right before, as in "SN8905…"."""
    before = text[max(0, start - 12) : start]
    if before.endswith(("#", "№")):
        return True
    glued = re.search(r"[A-Za-z]+\Z", before)
    # A whole word that lost its space ("quote01753 …") is no serial's prefix.
    if glued is None or (len(glued[0]) > 3 and not glued[0].isupper()):
        return False
    return not _CALL.search(text, max(0, start - 30), start)


def _with_prefix(text: str, start: int, end: int) -> int:
    """Move the start back over "+", "плюс" and a bracket that closes inside the number."""
    inside = text[start:end]
    if inside.count(")") > inside.count("(") and text[start - 1 : start] == "(":
        start -= 1
    plus = _PLUS.search(text, max(0, start - 9), start)
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
