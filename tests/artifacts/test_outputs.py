"""Outputs of models: a file without pickle, and no score of a listing by what has seen it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from src.artifacts.outputs import LeakError, ModelOutput
from tests.made import groups_of, made_features, made_table


def test_what_is_saved_is_what_is_loaded(tmp_path: Path) -> None:
    features = made_features(made_table(), frozen=True)
    features.save(tmp_path / "features.npz")
    loaded = ModelOutput.load(tmp_path / "features.npz")
    assert loaded.frozen is True
    for name, array in vars(features).items():
        np.testing.assert_array_equal(getattr(loaded, name), array)
        assert np.asarray(getattr(loaded, name)).dtype == np.asarray(array).dtype


def test_equal_content_is_equal_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        made_features(made_table()).save(tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_no_pickle_is_written_or_read(tmp_path: Path) -> None:
    table = made_table()
    objects = made_features(table, ids=table["id"].to_numpy(dtype=object))
    with pytest.raises(ValueError, match="allow_pickle"):
        objects.save(tmp_path / "features.npz")
    assert not list(tmp_path.iterdir())

    np.savez(tmp_path / "pickled.npz", **vars(objects))
    with pytest.raises(ValueError, match="allow_pickle"):
        ModelOutput.load(tmp_path / "pickled.npz")


@pytest.mark.parametrize(
    "changes",
    [
        {"features": np.zeros((59, 4), np.float32)},
        {"features": np.zeros(60, np.float32)},
        {"probs": np.zeros((60, 2), np.float32)},
        {"scored_by": np.zeros(59, np.int32)},
        {"left_out": np.full(59, "")},
        {"fitted_by": np.zeros(35, np.int32)},
        {"features": np.full((60, 4), np.nan, np.float32)},
        {"probs": np.full((60, 3), np.inf, np.float32)},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_arrays_that_do_not_fit_each_other_or_are_not_finite_are_refused(
    changes: dict[str, np.ndarray],
) -> None:
    with pytest.raises(ValueError, match=r"expected|finite"):
        made_features(made_table(), **changes)


def test_chosen_rows_keep_what_their_encoder_was_fitted_on() -> None:
    table = made_table()
    chosen = made_features(table).subset(np.array([1, 40]))
    assert chosen.ids.tolist() == ["r01", "r40"]
    assert chosen.unseen(groups_of(table)).tolist() == [False, True]


def test_fitted_rows_are_seen_and_others_unseen() -> None:
    table = made_table()
    unseen = made_features(table).unseen(groups_of(table))
    assert unseen.tolist() == (table["split"] != "train").tolist()


def test_a_near_duplicate_of_a_fitted_row_is_seen() -> None:
    table = made_table()
    table.loc[[0, 50], "group"] = "same"
    unseen = made_features(table).unseen(groups_of(table))
    assert not unseen[50]
    assert unseen[51]


def test_a_row_is_unseen_by_the_encoder_of_its_own_fold() -> None:
    table = made_table()
    scored_by = np.where(table["id"] == "r03", 2, 0).astype(np.int32)
    unseen = made_features(table, scored_by=scored_by).unseen(groups_of(table))
    assert unseen[3]
    assert not unseen[4]


def test_rows_that_no_group_is_known_of_are_taken_for_seen() -> None:
    table = made_table()
    known = groups_of(table).drop(["r00", "r50"])
    unseen = made_features(table).unseen(known)
    assert not unseen[0]
    assert not unseen[50]


def test_a_leak_names_the_listings() -> None:
    table = made_table()
    features = made_features(table)
    with pytest.raises(LeakError, match=r"validation: 2 listings .* r02, r05;") as error:
        features.subset(np.array([2, 5, 40])).require_unseen(groups_of(table), "validation")
    assert "\n" not in str(error.value)
    with pytest.raises(LeakError, match=r"36 listings .* r00, r01, r02, r03, r04, …"):
        features.require_unseen(groups_of(table), "validation")
    features.subset(np.arange(36, 60)).require_unseen(groups_of(table), "validation")


# The first call may be slow on a busy machine.
@settings(deadline=None)
@given(
    rows=st.lists(
        st.tuples(st.integers(0, 4), st.integers(0, 2), st.sampled_from(["", "g0", "g1"])),
        min_size=1,
        max_size=12,
    ),
    fitted=st.lists(st.tuples(st.integers(0, 11), st.integers(0, 2)), max_size=12),
)
def test_unseen_means_that_the_scoring_encoder_was_without_the_group(
    rows: list[tuple[int, int, str]], fitted: list[tuple[int, int]]
) -> None:
    fitted = [(row, encoder) for row, encoder in fitted if row < len(rows)]
    ids = np.array([f"r{i}" for i in range(len(rows))])
    features = ModelOutput(
        ids=ids,
        features=np.zeros((len(rows), 1), np.float32),
        probs=np.ones((len(rows), 1), np.float32),
        classes=np.array(["a"]),
        scored_by=np.array([encoder for _, encoder, _ in rows], np.int32),
        left_out=np.array([group for _, _, group in rows]),
        fitted_ids=np.array([f"r{row}" for row, _ in fitted], dtype=str),
        fitted_by=np.array([encoder for _, encoder in fitted], np.int32),
        frozen=False,
    )
    groups = pd.Series([f"g{group}" for group, _, _ in rows], index=ids)
    expected = [
        left_out == f"g{group}"
        or not any(rows[row][0] == group and by == encoder for row, by in fitted)
        for group, encoder, left_out in rows
    ]
    assert features.unseen(groups).tolist() == expected
