"""Find phone numbers in listings' texts, including those written to get past a filter."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from itertools import accumulate, pairwise

from src.cleaning.digits import Number, number_chains, read_numbers, without_lookalikes
from src.cleaning.phone_context import (
    article_before,
    bracket_stays_open,
    call_before,
    code_in_brackets,
    continues_another,
    plus_before,
    serial_before,
    start_with_prefix,
    unit_after,
)

# Signs that an article number before a phone number has ended.
_APART = re.compile(r"[(\[]|[.!] |[0-9]{8}")
# Digit groups of a Russian number without 8 or +7; those of _TEN alone only after 8 or +7.
_MOBILE = {(3, 3, 2, 2), (3, 3, 4), (3, 7), (3, 2, 2, 3), (3, 2, 3, 2), (10,), (1,) * 10}
_TEN = _MOBILE | {(3, 4, 3), (4, 6), (4, 2, 2, 2), (4, 3, 3), (5, 1, 2, 2), (5, 5), (5, 3, 2),
                  (3, 1, 3, 3), (3, 1, 2, 2, 2), (3, 2, 2, 2, 1), (3, 5, 2), (3, 2, 5),
                  (1, 1, 1, 3, 2, 2), (1, 1, 1, 3, 4), (1, 1, 1, 7)}  # fmt: skip
_LOCAL = {(3, 2, 2), (2, 2, 2), (1, 2, 2), (3, 4)}
_BRITISH = {(11,), (5, 6), (5, 3, 3), (4, 3, 4), (3, 4, 4), (3, 8), (4, 7), (2, 3, 3, 3), (1,) * 11,
            (2, *(1,) * 9)}  # fmt: skip
_LENGTHS = frozenset((5, 6, 7, 9, 10, 11, 12, 13, 14, 15))
_NEARBY = ("375", "380", "373", "374", "992", "993", "994", "995", "996", "998")
_BELARUS = re.compile(r"(?:8?0|(?:00)?375)(?:25|29|33|44)\d{7}")
_BRITISH_MOBILE = re.compile(r"07[1-57-9]\d{8}")
# Not inside one phone number: the end of a sentence, a sum, a list.
_BREAK = re.compile(r"[.!?;] |[=,*]")

_SEVEN = r"\d{3}[ -]?\d\d[ -]?\d\d"
_CODED = re.compile(
    rf"(?:(?<!\d)(?:\+?7|8)\W{{0,3}})?(?<!\w)(?:код(?: оператора)?\W{{1,3}}9\d\d|9\d\d код)"
    rf"[^0-9]{{1,20}}{_SEVEN}(?!\d)|(?<!\d){_SEVEN}\W{{1,3}}код\W{{1,3}}9\d\d"
    rf"(?!-?\d|[^0-9]{{1,20}}{_SEVEN}(?!\d))",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\W\d_]+")
# Words that sellers put inside a number to get past a filter; one other word is allowed too.
_FILLERS = {"номер", "тире", "дефис", "минус", "плюс", "пробел", "точка", "скобка", "звоните",
            "звонить", "звони", "потом", "затем", "далее", "дальше", "снова", "опять", "оператор",
            "оператора", "ещё", "еще", "and", "then"}  # fmt: skip
_UNITS = {"руб", "рублей", "тыс", "шт", "см", "мм", "кг", "км", "мл", "лет", "мач", "гб", "стр",
          "эт", "вт", "гц", "за", "по", "от", "до", "gb", "mah", "cm", "mm", "kg", "usd", "for",
          "r"}  # fmt: skip
_NEW_SENTENCE = re.compile(r"[.!?;]\s+[^\W\d_]|\n.*[^\W\d_]|[^\W\d_].*\n")


def hide_phones(text: str, mark: str) -> str:
    """Replace every phone number in the text with `mark`; see `redact`."""
    spans: list[tuple[int, int]] = []
    if "код" in text.lower():
        spans = [match.span() for match in _CODED.finditer(text)]
        spans = [span for span in spans if not article_before(text, span[0])]
    numbers = _outside(read_numbers(text), spans)
    if sum(len(number.digits) for number in numbers) >= 11:
        for reading in (without_lookalikes(text, numbers), numbers):
            spans += _phones(text, [_outside(reading, spans)], _disguised_from)
        numbers = _outside(numbers, spans)
    spans += _phones(text, number_chains(text, numbers), _phone_from)
    for start, end in sorted(spans, reverse=True):
        text = text[:start] + mark + text[end:]
    return text


def _outside(numbers: list[Number], spans: list[tuple[int, int]]) -> list[Number]:
    if not spans:
        return numbers
    hidden = {at for start, end in spans for at in range(start, end)}
    return [one for one in numbers if one.start not in hidden and one.end - 1 not in hidden]


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
                start = start_with_prefix(text, chain[first].start, chain[last].end)
                spans.append((start, chain[last].end))
            first = first + 1 if last is None else last + 1
    return spans


def _disguised_from(text: str, numbers: list[Number], first: int) -> int | None:
    """Return the last index of a Russian mobile number, from 8 or 7, with anything in between.

    "8 916 звоните 123 и 45 и 67", "8х916х123х45х67", or a group on every line.
    """
    last = _disguised_to(text, numbers, first)
    if last is None:
        return None
    # An ordinary number can form a phone number with the beginning of the one after it.
    even = len({text[a.end : b.start] for a, b in pairwise(numbers[first : last + 1])}) == 1
    if not even and any(_disguised_to(text, numbers, at) for at in range(first + 1, last + 1)):
        return None
    return last


def _disguised_to(text: str, numbers: list[Number], first: int) -> int | None:
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
    start, end = found[0].start, found[-1].end
    if (
        continues_another(text, start)
        or serial_before(text, start)
        or bracket_stays_open(text, start, end)
    ):
        return None
    if article_before(text, start):
        return None
    if any(_NEW_SENTENCE.search(gap) for gap in gaps) or (
        "+" in "".join(gaps) and len({*gaps}) > 1
    ):
        return None
    words = {*_WORD.findall(" ".join(gaps).lower())}
    unknown = [word for word in words - _FILLERS if len(word) > 2 and len({*word}) > 1]
    if words & _UNITS or len(unknown) > 1:
        return None
    rest = _after_country(found)
    if sum(number.spelled for number in found) > 1:
        return last if {3, 10} <= {*accumulate(rest)} and not unknown else None
    if rest == (1,) * 10:
        return last if len({*gaps[1:]}) == 1 else None
    glued = any(len(gap) > 2 and gap.isalpha() for gap in gaps)
    return last if glued or rest in _MOBILE else None


def _phone_from(text: str, chain: list[Number], first: int) -> int | None:
    """Return the last index of the longest phone number starting at `first` in the chain."""
    plus = plus_before(text, chain[first].start) is not None
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
        apart = start - chain[0].start > 40 or _APART.search(text, chain[0].start, start)
        starts = [start] if apart else [chain[0].start, start]
        if any(article_before(text, at) for at in starts):
            return None
    return best


def _is_phone(
    text: str, chain: list[Number], first: int, last: int, digits: str, plus: bool
) -> bool:
    numbers = chain[first : last + 1]
    start, end = numbers[0].start, numbers[-1].end
    groups = tuple(len(number.digits) for number in numbers)
    if bracket_stays_open(text, start, end) and digits[:2] not in ("79", "89"):
        return False
    spelled = sum(number.spelled for number in numbers)
    if spelled > 1 and 9 <= len(digits) <= 10 and digits[:2] in ("79", "89"):
        # "шестьсот" and "шестнадцать" side by side read as 616.
        return last == len(chain) - 1
    if plus:
        if len(digits) == 11 and digits[0] == "7" and digits[1] in "3456789":
            return True
        real = len(digits) >= 8 and not _BREAK.search(text, start, end)
        return real and _exists("+" + digits, None, len(digits) >= 10)
    if len(digits) <= 7 and first == 0 and last == len(chain) - 1 and _local(text, numbers, groups):
        return True
    if len(digits) in (7, 10) and code_in_brackets(text, start, end):
        return not unit_after(text, end) and (len(digits) == 7 or groups in _TEN)
    if serial_before(text, start):
        return False
    if len(digits) == 11 and digits[0] in "78" and digits[1] in "34789":
        rest = _after_country(numbers)
        if digits[1] == "9":
            return _mobile(text, numbers, rest)
        if _exists("+7" + digits[1:], None):
            return rest in _TEN and not _BREAK.search(text, start, end)
    if unit_after(text, end) or continues_another(text, start):
        return False
    inside = text[start:end]
    if len(digits) < 10 or _BREAK.search(inside):
        return False
    return _ten(inside, groups, digits) if len(digits) == 10 else _foreign(groups, digits, spelled)


def _local(text: str, numbers: list[Number], groups: tuple[int, ...]) -> bool:
    """Whether a local number follows a word such as "phone": "тел. 123-45-67"."""
    start, end = numbers[0].start, numbers[-1].end
    if unit_after(text, end) or not call_before(text, start):
        return False
    if groups in _LOCAL:
        return "-" in text[start:end] or "–" in text[start:end]
    return groups == (7,) and ":" in text[max(0, start - 3) : start]


def _ten(inside: str, groups: tuple[int, ...], digits: str) -> bool:
    """Whether ten digits without a country code are a mobile or an American number."""
    if " (" in inside:
        return False
    if digits[0] == "0":
        # Part numbers of Bosch begin with 0986.
        mobile = digits[1] in "5679" and not digits.startswith("0986")
        if groups in {(3, 3, 2, 2), (3, 7)}:
            return _BELARUS.fullmatch(digits) is not None or _exists(digits, "UA")
        return groups == (10,) and mobile and _exists(digits, "UA")
    if digits[0] == "9" and groups in _MOBILE:
        return not (
            groups == (3, 3, 4)
            and digits[6:8] in ("19", "20")
            and inside.replace(" ", "") == digits
        )
    american = groups == (3, 3, 4) and min(digits[0], digits[3]) >= "2"
    return american and not {" ", "*"} & set(inside)


def _foreign(groups: tuple[int, ...], digits: str, spelled: int) -> bool:
    """Whether the digits are a foreign number written without "+"."""
    if groups[:3] == (3, 3, 3) and not digits.startswith("001"):
        return False
    if _BELARUS.fullmatch(digits):
        return len(groups) == 1 or groups[-3:] == (3, 2, 2) or groups[-1] == 7
    if digits.startswith("00") and groups[0] != 1:
        return _exists("+" + digits[2:], None, len(digits) > 12)
    if digits.startswith(_NEARBY) and len(digits) in (11, 12):
        apart = groups[0] == 3 and (len(groups) == 2 or groups[1] < 4)
        return (apart or groups[:2] == (2, 3) or len(groups) == 1) and _exists("+" + digits, None)
    if len(digits) == 12 and digits.startswith("447"):
        return groups[0] in (2, 12) and _exists("+" + digits, None)
    if digits[0] != "0" or not (groups in _BRITISH or spelled):
        return False
    return _BRITISH_MOBILE.fullmatch(digits) is not None or _exists(digits, "GB")


def _mobile(text: str, numbers: list[Number], rest: tuple[int, ...]) -> bool:
    """Whether digits starting with 79 or 89 are laid out as a number, not as a list of sizes."""
    if rest in _TEN or rest == (2, 2, 2, 2, 2):
        return True
    inside = text[numbers[0].start : numbers[-1].end]
    rising = all(int(a.digits) < int(b.digits) for a, b in pairwise(numbers))
    if any(number.spelled for number in numbers):
        return not rising
    if rising or _BREAK.search(inside):
        return False
    return rest[0] in (5, 6) or max(rest[1:]) == 1 or (rest[0] == 3 and max(rest) == 3)


def _after_country(numbers: list[Number]) -> tuple[int, ...]:
    """Return the sizes of the digit groups, without the very first digit."""
    first, *rest = (len(number.digits) for number in numbers)
    return (first - 1, *rest) if first > 1 else (*rest,)


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
