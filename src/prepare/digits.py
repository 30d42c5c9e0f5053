"""Read the numbers of a text as their writer meant them: "9O5", "девятьсот пять", "９０５"."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import NamedTuple

# Letters that stand for a digit in "8 (9O5) l23-4б-67".
_ALIKE = dict(zip("OoОоЗзбlIBВS", "000033611885", strict=True))
_A = "".join(_ALIKE)
_NUMBER = re.compile(
    rf"[{_A}]{{0,2}}[0-9][0-9{_A}]*"
    r"|(?<![^\W_])[OoОо]{2}(?![^\W_])|(?<=[0-9][ \xa0.–-])[OoОо](?![^\W_])"
)

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


class Number(NamedTuple):
    """A run of digits in the text, or number words read as digits."""

    start: int
    end: int
    digits: str
    spelled: bool


def number_chains(text: str) -> list[list[Number]]:
    """Numbers that only separators stand between, five digits in all or more."""
    numbers = _numbers(text)
    chains: list[list[Number]] = []
    for number in numbers:
        if chains and _GAP.fullmatch(text, chains[-1][-1].end, number.start):
            chains[-1].append(number)
        else:
            chains.append([number])
    return [chain for chain in chains if sum(len(number.digits) for number in chain) >= 5]


def _numbers(text: str) -> list[Number]:
    # Digits of other scripts and styles (full-width, mathematical, circled) become plain ones.
    if not text.isascii():
        text = "".join(c if c < "\u0600" and c not in "²³¹" else _plain_digit(c) for c in text)
    found: list[Number] = []
    spelled = _SPELLED_WORD.search(text.lower()) is not None
    for match in (_NUMBER_OR_WORDS if spelled else _NUMBER).finditer(text):
        start, end = match.span()
        piece = match[0]
        if spelled and len(piece) > 1 and _SPELLED_WORD.match(piece.lower()):
            for word in _SPELLED_WORD.finditer(piece.lower()):
                _add_spelled(found, text, start + word.start(), start + word.end(), word[0])
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
        if not digits.isdecimal():
            continue
        # Two numbers with the space between them lost: "01753 57450907429979846".
        cut = end - 11 if _GLUED.fullmatch(digits) else end
        found.append(Number(start, cut, digits[: cut - start], False))
        if cut < end:
            found.append(Number(cut, end, digits[cut - start :], False))
    return found


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
