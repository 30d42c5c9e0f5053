"""Find the numbers in a text, however they are written: "9O5", "девятьсот пять", "９０５"."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import NamedTuple

# Letters used as digits, as in "8 (9O5) l23-4б-67".
_LOOKALIKES = dict(zip("OoОоQЗзЭбblIiBВSЧ", "00000333661118854", strict=True))
_A = "".join(_LOOKALIKES)
# At the edge of a word such a letter is a letter: "89051234567Звоните".
_NUMBER = re.compile(
    rf"(?:(?<![^\W\d_])[{_A}]{{1,2}})?[0-9](?:[{_A}]{{0,8}}[0-9])*(?:[{_A}]{{1,8}}(?![^\W\d_]))?"
    rf"|(?<![^\W_])[OoОо]{{2}}(?![^\W_])"
    rf"|(?<=[0-9{_A})][ \xa0.–-])(?:[OoОо]|[{_A}]{{2,3}})(?![^\W_])"
)

_SPELLED = {
    word: str(number)
    for number, words in {
        0: "ноль нуль zero oh", 1: "один одна one", 2: "два две two", 3: "три three",
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
_SPELLED_WORDS = re.compile(rf"(?:{_WORD})(?:{_WORD}){{0,40}}(?![^\W\d_])")

_GLUED = re.compile(r"[0-9]{6,7}(?:07|[78]9)[0-9]{9}")
_GAP = re.compile(
    r"(?:[^\S\r\n]|[\xad\u200b-\u200f\u2028-\u202e\u2060\ufe0f\u20e3\ufeff()\[\]]"
    r"|[-‐‑‒–—―−﹣－➖⁃._*~=|•·]){0,6}|,"
)
_LETTERS = re.compile(f"[{_A}]")
_PLAIN = re.compile("[0-9]+")
_EXOTIC = re.compile("[²³¹\u0600-\U0010ffff]")


class Number(NamedTuple):
    """A run of digits in the text, or number words converted to digits."""

    start: int
    end: int
    digits: str
    spelled: bool


def number_chains(text: str, numbers: list[Number]) -> list[list[Number]]:
    """Chain numbers with only separators between them; keep chains of at least five digits."""
    chains: list[list[Number]] = []
    for number in numbers:
        if chains and _GAP.fullmatch(text, chains[-1][-1].end, number.start):
            chains[-1].append(number)
        else:
            chains.append([number])
    return [chain for chain in chains if sum(len(number.digits) for number in chain) >= 5]


def read_numbers(text: str) -> list[Number]:
    """Return all numbers of the text, in whatever characters or words they are written."""
    # Digits of other scripts and styles (full-width, mathematical, circled) become ASCII ones.
    if not text.isascii():
        text = _EXOTIC.sub(lambda match: _plain_digit(match[0]), text)
    found = _spelled_numbers(text)
    for match in _NUMBER.finditer(text):
        start, end = match.span()
        digits = "".join(_LOOKALIKES.get(c, c) for c in match[0])
        # Two numbers that lost the space between them: "01753 57450907429979846".
        cut = end - 11 if _GLUED.fullmatch(digits) else end
        found.append(Number(start, cut, digits[: cut - start], False))
        if cut < end:
            found.append(Number(cut, end, digits[cut - start :], False))
    return _merged(sorted(found), text)


def _merged(numbers: list[Number], text: str) -> list[Number]:
    """Merge "сорок5" into 45 and "девятьсот16" into 916."""
    joined: list[Number] = []
    for number in numbers:
        before = joined[-1] if joined else None
        if before and before.spelled and before.end == number.start and not number.spelled:
            size = len(number.digits)
            if (
                before.digits[0] != "0"
                and before.digits[:-size]
                and not before.digits[-size:].strip("0")
            ):
                joined[-1] = Number(
                    before.start, number.end, before.digits[:-size] + number.digits, True
                )
                continue
        joined.append(number)
    return joined


def _spelled_numbers(text: str) -> list[Number]:
    lower = text.lower()
    # Some letters become two in lower case, which shifts all positions after them.
    if len(lower) != len(text):
        lower = text
    found: list[Number] = []
    for match in _SPELLED_WORDS.finditer(lower):
        start = match.start()
        if start and lower[start - 1].isalpha() and not lower.endswith("плюс", 0, start):
            continue
        for word in _SPELLED_WORD.finditer(lower, start, match.end()):
            _add_spelled(found, lower, word.start(), word.end(), word[0])
    return found


def without_lookalikes(text: str, numbers: list[Number]) -> list[Number]:
    """Return the numbers with letters read as letters: "940б123" is 940 and 123."""
    plain: list[Number] = []
    for number in numbers:
        piece = text[number.start : number.end]
        if number.spelled or piece.isdecimal() or not _LETTERS.search(piece):
            plain.append(number)
            continue
        for match in _PLAIN.finditer(text, number.start, number.end):
            plain.append(Number(match.start(), match.end(), match[0], False))
    return plain


@lru_cache(maxsize=4096)
def _plain_digit(character: str) -> str:
    digit = unicodedata.digit(character, None)
    return character if digit is None else str(digit)


def _add_spelled(found: list[Number], text: str, start: int, end: int, word: str) -> None:
    """Append a number word; "девятьсот" + "двадцать" + "девять" become 929."""
    digits = _SPELLED[word]
    before = found[-1] if found else None
    if before and before.spelled and text[before.end : start].strip(" -") == "":
        room = len(before.digits) - len(before.digits.rstrip("0"))
        if room >= len(digits) and before.digits != "0" and digits != "0":
            merged = before.digits[: -len(digits)] + digits
            found[-1] = Number(before.start, end, merged, True)
            return
    found.append(Number(start, end, digits, True))
