"""How likely bytes are as text in each of the encodings that programs before Unicode wrote."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

# What Excel and older programs write, and how much more than its letters must speak for it.
_CODECS = {"cp1251": 0.0, "cp1252": 0.0, "koi8_r": 2.0, "cp866": 2.0, "mac_cyrillic": 4.0}


def _likely(letters: str, parts: tuple[int, ...]) -> dict[str, float]:
    """Return the logarithm of the share of each letter, given in parts of ten thousand."""
    shares = zip(letters, parts, strict=True)
    return {letter: math.log(part / 10_000) for letter, part in shares}


# Russian letters by how often they are written, then those of Ukrainian and Belarusian.
_CYRILLIC = _likely(
    "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфъёіїєґў",
    (1097, 845, 801, 735, 670, 626, 547, 473, 454, 440, 349, 321, 298, 281, 262, 201, 190, 174, 170)
    + (165, 159, 144, 121, 97, 94, 73, 64, 48, 36, 32, 26, 4, 20, 60, 10, 10, 2, 5),
)
# The same of letters with marks in German, French, Spanish, Portuguese, Italian, Nordic texts.
_WESTERN = _likely(
    "éüäöèàóíáåãçßñøæêúâôòùîûïõìëœ",
    (1800, 1100, 1000, 900, 500, 600, 600, 500, 500, 400, 400, 400, 300, 250, 250, 200, 250, 150)
    + (100, 100, 80, 80, 80, 60, 40, 60, 40, 60, 20),
)
_LIKELY = _CYRILLIC | _WESTERN
_VOWELS = frozenset("оеаияыюуэёіїє")
_MARKS = frozenset("«»„“”‘’–—…№°©®™§•·\xa0²³½¼×±µ")
_MONEY = frozenset("£€")
# Marks that may stand right before a letter, and the quotes that need another one.
_OPENING = frozenset("«„“‘–—№\xa0")
_PAIRS = {"«": "»", "»": "«", "„": "“”", "“": "„”", "‘": "’"}
# Words beside prices, and such as most Russian texts have.
_COMMON = frozenset(
    ("руб", "р", "рублей", "шт", "см", "мм", "кг", "цена", "продам", "новый", "новая")
    + ("для", "на", "не", "по", "и", "в", "с")
)
# Natural logarithms: of a known word, a mark, a sign of money at a number and elsewhere, and of
# what few texts have.
_KNOWN, _MARK, _AT_NUMBER, _MONEY_ALONE, _RARE = -3.0, -4.5, -1.5, -5.0, -9.0
# What is added for letters whose neighbours or case make them unlikely.
_FIRST_CAPITAL, _CAPITALS, _ODD = -0.5, -0.1, -5.0
# A text must hold a word or a price to be Cyrillic: a French one holds à, and 5 г may be £.
_WITHOUT_WORDS = -12.0
_UNPAIRED = -8.0
# The least mean of characters beyond ASCII, and of letters where there are many: what Czech, Greek
# or Hebrew bytes look like is no text in any of these encodings.
_LEAST = -6.0
_MANY, _LEAST_OF_MANY, _LEAST_OF_MANY_WESTERN = 40, -3.7, -4.75
# A number with the space before what it counts, or after a sign of money.
_NUMBER = re.compile(r"\d+(?: (?=[^\x00-\x7f]))?|(?<=[£€]) (?=\d)")
_TOKEN = re.compile(r"[^\x00-\x20,;|\"]+")
_OTHER = re.compile(r"[^\x00-\x7f]")
_CYRILLIC_WORD = re.compile(r"[А-Яа-яЁё]{2,}|\d\s?р\b")
_PLACE = re.compile(r"[^\n,;|\t]{0,8}[^\x00-\x7f][^\n,;|\t]{0,8}")
_WORD = re.compile(r"[^\W\d_]{2,20}")
_LETTERS = re.compile(r"[^\W\d_]+")


class CodecGuess(NamedTuple):
    """A codec of Python, and a word or a few characters that it reads."""

    codec: str
    example: str


def guess_codec(sample: bytes) -> CodecGuess | None:
    """Return the likeliest encoding of lines that are not ASCII; None if none is likely."""
    texts = {codec: sample.decode(codec, "replace") for codec in _CODECS}
    found = {codec: _likelihood(text) - _CODECS[codec] for codec, text in texts.items()}
    codec = max(found, key=lambda name: found[name])
    return CodecGuess(codec, _example(texts[codec])) if _is_text(texts[codec], codec) else None


def _is_text(text: str, codec: str) -> bool:
    # Each once: one odd name in all rows is still little to go by.
    words = [word for word in dict.fromkeys(_LETTERS.findall(text)) if not word.isascii()]
    least = _LEAST_OF_MANY_WESTERN if codec == "cp1252" else _LEAST_OF_MANY
    few = sum(len(_OTHER.findall(word)) for word in words) < _MANY
    return _mean(_tokens(text)) >= _LEAST and (few or _mean(words) >= least)


def _likelihood(text: str) -> float:
    # What is in every row, such as a currency, counts a few times and not a thousand.
    tokens = Counter(_tokens(text))
    total = sum(_of_token(token) * (1 + math.log(count)) for token, count in tokens.items())
    cyrillic = any(letter in _CYRILLIC for letter in text.lower())
    total += _WITHOUT_WORDS if cyrillic and not _CYRILLIC_WORD.search(text) else 0
    return total + _UNPAIRED * sum(
        quote in text and not any(other in text for other in others)
        for quote, others in _PAIRS.items()
    )


def _mean(tokens: Sequence[str]) -> float:
    others = sum(len(_OTHER.findall(token)) for token in tokens)
    return sum(map(_of_token, tokens)) / max(1, others)


def _tokens(text: str) -> list[str]:
    """Return the words that are not ASCII, with a number before them as 0."""
    plain = _NUMBER.sub(lambda found: "0" if found[0][0] != " " else "", text)
    return [token for token in _TOKEN.findall(plain) if not token.isascii()]


def _of_token(token: str) -> float:
    """Return the logarithm of how likely a token is by its characters beyond ASCII."""
    if token.strip("0.:!?()-").lower() in _COMMON:
        return _KNOWN
    around = f" {token} "
    return sum(
        _of_character(character, around[n - 1], around[n + 1])
        for n, character in enumerate(around)
        if not character.isascii()
    )


def _of_character(character: str, before: str, after: str) -> float:
    if character in _MONEY:
        if before.isalpha() or after.isalpha():
            return _RARE
        return _AT_NUMBER if before.isdigit() or after.isdigit() else _MONEY_ALONE
    if character in _MARKS:
        return _MARK + (0 if _stands_well(character, before, after) else _ODD)
    letter = character.lower()
    if letter not in _LIKELY:
        return _RARE
    total = _LIKELY[letter] + _of_case(character, before, after)
    beside = [other for other in (before, after) if other.isalpha()]
    if letter in _CYRILLIC:
        total += 0 if _can_follow(letter, before.lower()) else _ODD
        return total + _ODD * sum(other.lower() not in _CYRILLIC for other in beside)
    # Letters with marks stand among others: ðóá is no word.
    marked = sum(not other.isascii() for other in beside)
    alone = not beside and (letter not in "àéèóì" or before.isdigit() or after.isdigit())
    return total + (_ODD if alone else 0) + marked * _ODD / 2


def _can_follow(letter: str, before: str) -> bool:
    if letter in "ьъы":
        return before in _CYRILLIC and before not in _VOWELS and before not in "ьъй"
    return letter != "й" or before in _VOWELS or before not in _CYRILLIC


def _stands_well(mark: str, before: str, after: str) -> bool:
    if before.isalpha() and after.isalpha():
        return mark in "’–—\xa0"
    return not after.isalpha() or mark in _OPENING


def _of_case(character: str, before: str, after: str) -> float:
    if character.isupper():
        if before.islower():
            return _ODD
        return _CAPITALS if before.isupper() else _FIRST_CAPITAL
    return 0.0


def _example(text: str) -> str:
    """Return the word that most rows have, as a person can judge one; else what is in its place."""
    words = Counter(word for word in _WORD.findall(text) if not word.isascii())
    if words:
        return max(words, key=lambda word: (min(len(word), 4), words[word]))
    found = _PLACE.search(text)
    return found[0].strip() if found else ""
