"""Meta-features: how the texts of a listing are written."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from src.cleaning.text import with_words
from src.core.errors import UserError
from src.core.params import parse_params
from src.fusion.blocks import model_block
from src.fusion.meta import with_meta
from tests.made import made_features, made_table, params_content

TABLE = made_table()


def meta_of(titles: list[str], texts: list[str]) -> np.ndarray:
    """Return the six columns of listings with these titles and texts, [N, 6]."""
    table = TABLE.iloc[: len(titles)].assign(title=titles, text=texts)
    block = model_block(table, made_features(table), "probs")
    return with_meta(block, table).columns[:, block.columns.shape[1] :]


def test_they_are_lengths_and_shares_of_digits_and_capitals_of_title_and_text() -> None:
    found = meta_of(["IPHONE 12", ""], ["", "ПРОДАМ! 5"])
    nothing = [0, 0, 0]
    np.testing.assert_allclose(
        found,
        [[np.log(10), 2 / 9, 6 / 9, *nothing], [*nothing, np.log(10), 1 / 9, 6 / 9]],
        rtol=1e-6,
    )


def test_they_follow_the_columns_of_the_texts_and_leave_the_rest_as_it_was() -> None:
    some = made_features(TABLE).subset(np.arange(1, 60))
    block = model_block(TABLE, some, "both")
    found = with_meta(block, TABLE)
    assert found.columns.shape == (60, block.columns.shape[1] + 6)
    assert found.columns.dtype == np.float32
    np.testing.assert_array_equal(found.columns[:, :-6], block.columns)
    assert found.logs is block.logs
    # A listing whose text is not known has none to describe.
    assert not found.present[0] and TABLE["title"][0]
    assert not found.columns[0].any()
    assert found.columns[1:, -6].all()


@settings(deadline=None)
@given(st.lists(st.tuples(st.text(), st.text()), min_size=1, max_size=5))
def test_any_text_has_finite_ones_that_are_shares_within_0_and_1(
    listings: list[tuple[str, str]],
) -> None:
    titles, texts = map(list, zip(*listings, strict=True))
    found = meta_of(titles, texts).reshape(len(listings), 2, 3)
    assert np.isfinite(found).all()
    assert (found[:, :, 1:] >= 0).all()
    assert (found[:, :, 1:].sum(2) <= 1).all()
    lengths = [[len(title), len(text)] for title, text in listings]
    np.testing.assert_allclose(np.expm1(found[:, :, 0]), lengths, rtol=1e-4)


def test_letters_keep_their_case_when_texts_are_cleaned() -> None:
    raw = pd.DataFrame({"title": ["ПРОДАМ <b>iPhone</b>"], "text": ["Звоните: +7 912 345-67-89"]})
    cleaned = with_words(raw)
    found = meta_of(cleaned["title"].tolist(), cleaned["text"].tolist())
    np.testing.assert_allclose(found[0, 2], 7 / len("ПРОДАМ iPhone"), rtol=1e-6)
    # Phone numbers are hidden before anything counts digits.
    assert found[0, 4] == 0


def test_the_stack_which_weighs_probabilities_takes_none() -> None:
    with pytest.raises(UserError, match=r"fusion\.stack\.meta_features is true; .*: expected") as e:
        parse_params(params_content({"fusion.stack.meta_features": True}))
    assert "\n" not in str(e.value)
