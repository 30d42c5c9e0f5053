"""Words of one stem count as one word, in both languages."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from src.encoders.text.stems import stems

WORDS = st.text("абвгдеёжзиклмнопрстуяьыїabcdeinsy0123456789", min_size=1, max_size=12)


def test_forms_of_a_word_have_one_stem() -> None:
    assert len(set(stems("телефон телефона телефоны телефонов").split())) == 1
    assert len(set(stems("кожаный кожаная кожаное").split())) == 1
    assert len(set(stems("sofa sofas").split())) == 1
    assert stems("iphone13 256gb") == "iphone13 256gb"


def test_different_words_stay_different() -> None:
    assert len(set(stems("стол стул шкаф table chair").split())) == 5


@given(st.lists(WORDS, max_size=6))
def test_there_is_one_stem_for_each_word(words: list[str]) -> None:
    found = stems(" ".join(words))
    assert len(found.split()) == len(words)
    assert found == " ".join(stems(word) for word in words)
    assert not re.search(r"\s{2}|^\s|\s$", found)
