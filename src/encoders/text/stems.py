"""Words brought to their stems, so that `телефон` and `телефоны` count as one word."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nltk.stem.snowball import SnowballStemmer

_CYRILLIC = re.compile("[а-я]")
# Words that are kept: texts repeat most of theirs.
_KEPT = 200_000


def stems(text: str) -> str:
    """Return the stems of words joined by spaces, joined by spaces.

    By the Snowball algorithms (Porter, "Snowball: a language for stemming algorithms", 2001), the
    Russian one for words with Cyrillic letters, the English one for others.
    """
    return " ".join(map(_stem, text.split()))


@lru_cache(maxsize=_KEPT)
def _stem(word: str) -> str:
    # Some words are nothing but an ending.
    return _stemmer("russian" if _CYRILLIC.search(word) else "english").stem(word) or word


@lru_cache(maxsize=2)
def _stemmer(language: str) -> SnowballStemmer:
    # Imported late: it takes as long as an answer, and few models read stems.
    from nltk.stem.snowball import SnowballStemmer

    return SnowballStemmer(language)
