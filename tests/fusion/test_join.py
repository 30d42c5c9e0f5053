"""Rows that join two rows: honest, complete, and no worse than their parts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from src.artifacts.outputs import LeakError, ModelOutput, RowOutput
from src.core.files import read_json, write_json
from src.fusion.fuse import fuse
from src.fusion.join import join_outputs, join_rows
from tests.fusion.test_fuse import STACK
from tests.made import CLASSES, groups_of, made_output, made_table, one_hot

N_FOLDS = 4


def folded(table: pd.DataFrame, probs: np.ndarray, shift: int = 0) -> RowOutput:
    """Return outputs with out-of-fold ones of all of train and val, in folds of listing + shift."""
    ids = table["id"].to_numpy(dtype=str)
    both = np.flatnonzero(table["split"] != "test")
    fold = ((both + shift) % N_FOLDS + 1).astype(np.int32)
    x = np.concatenate([probs, probs], axis=1).astype(np.float32)
    full = ModelOutput(
        ids, x, probs, np.array(CLASSES), np.zeros(len(ids), np.int32), np.full(len(ids), ""),
        ids[both], np.zeros(len(both), np.int32), False,
    )  # fmt: skip
    pairs = [(row, k) for k in range(1, N_FOLDS + 1) for row in both[fold != k]]
    rows, encoders = (np.array(column) for column in zip(*pairs, strict=True))
    out_of_fold = ModelOutput(
        ids[both], x[both], probs[both], np.array(CLASSES), fold, np.full(len(both), ""),
        ids[rows], encoders.astype(np.int32), False,
    )  # fmt: skip
    return RowOutput(full, out_of_fold)


def leaving_out(table: pd.DataFrame, probs: np.ndarray) -> RowOutput:
    """Return outputs of one encoder that leaves out the group of each listing of train and val."""
    full = folded(table, probs).full
    both = (table["split"] != "test").to_numpy()
    groups = table["group"].to_numpy(dtype=str)[both]
    return RowOutput(full, replace(full.subset(both), left_out=groups))


@pytest.fixture
def table() -> pd.DataFrame:
    return made_table(200)


@pytest.fixture
def halves(table: pd.DataFrame) -> dict[str, RowOutput]:
    """Two rows: each knows every other listing and guesses the rest."""
    rng = np.random.default_rng(0)
    guess = rng.dirichlet(np.ones(3), len(table)).astype(np.float32)
    sure = one_hot(table, sure=0.9)
    knows = np.arange(len(table)) % 2 == 0
    return {
        "first": folded(table, np.where(knows[:, None], sure, guess * 0.2 + 0.8 / 3)),
        "second": folded(table, np.where(knows[:, None], guess * 0.2 + 0.8 / 3, sure), shift=1),
    }


def test_what_a_joined_row_says_is_unseen_and_better_than_its_parts(
    table: pd.DataFrame, halves: dict[str, RowOutput]
) -> None:
    _, output = join_outputs(table, halves, seed=7)
    truth, test = one_hot(table).argmax(1), (table["split"] == "test").to_numpy()
    assert output.full.ids.tolist() == table["id"].tolist()
    assert output.out_of_fold.ids.tolist() == table["id"][~test].tolist()
    assert (output.full.probs[test].argmax(1) == truth[test]).all()
    assert (output.out_of_fold.probs.argmax(1) == truth[~test]).mean() > 0.95
    for part in halves.values():
        assert (part.full.probs[test].argmax(1) == truth[test]).mean() < 0.8
    output.full.subset(test).require_unseen(groups_of(table), "test")
    output.out_of_fold.require_unseen(groups_of(table), "out of fold")
    assert output.full.count_fitted() == (~test).sum()
    assert not output.full.unseen(groups_of(table))[~test].any()


def test_a_listing_that_an_encoder_of_either_part_has_seen_is_seen(
    table: pd.DataFrame, halves: dict[str, RowOutput]
) -> None:
    # Near-duplicates in different folds: the first part's encoder has seen the other one.
    table.loc[[10, 11], "group"] = "reposted"
    _, output = join_outputs(table, halves, seed=7)
    left = table["id"][(table["split"] != "test") & (table["group"] != "reposted")]
    assert output.out_of_fold.ids.tolist() == left.tolist()


@pytest.mark.parametrize("parts", [("first",), ("second",), ("first", "second")], ids="+".join)
def test_parts_that_leave_out_groups_join_each_other_and_parts_with_folds(
    table: pd.DataFrame, halves: dict[str, RowOutput], parts: tuple[str, ...]
) -> None:
    # The first part's folds tear these near-duplicates apart.
    table.loc[[10, 11], "group"] = "reposted"
    for name in parts:
        halves[name] = leaving_out(table, halves[name].full.probs)
    _, output = join_outputs(table, halves, seed=7)
    honest = table[table["split"] != "test"]
    if parts != ("first", "second"):
        honest = honest[honest["group"] != "reposted"]
    assert output.out_of_fold.ids.tolist() == honest["id"].tolist()
    assert output.out_of_fold.left_out.tolist() == honest["group"].tolist()
    output.out_of_fold.require_unseen(groups_of(table), "out of fold")
    # Put into other groups, the listings have been seen.
    assert not output.out_of_fold.unseen(groups_of(table) + " now").any()
    assert (output.full.left_out == "").all()


def test_a_part_that_was_fitted_on_a_test_listing_is_refused(
    table: pd.DataFrame, halves: dict[str, RowOutput]
) -> None:
    full = halves["second"].full
    tested = table["id"][table["split"] == "test"].iloc[3]
    leaking = replace(
        full,
        fitted_ids=np.append(full.fitted_ids, tested),
        fitted_by=np.append(full.fitted_by, np.int32(0)),
    )
    halves["second"] = replace(halves["second"], full=leaking)
    with pytest.raises(LeakError, match=f"second part of a joined row: 1 listing .* {tested};"):
        join_outputs(table, halves, seed=7)


def test_what_one_part_cannot_read_gets_the_answer_of_the_other(
    table: pd.DataFrame, halves: dict[str, RowOutput]
) -> None:
    lacks = np.arange(len(table)) % 5 == 0
    second = halves["second"]
    ids = table["id"].to_numpy(dtype=str)[lacks]
    halves["second"] = RowOutput(
        second.full.subset(~np.isin(second.full.ids, ids)),
        second.out_of_fold.subset(~np.isin(second.out_of_fold.ids, ids)),
    )
    model, output = join_outputs(table, halves, seed=7)
    assert output.full.ids.tolist() == table["id"].tolist()
    assert set(model.own_) == {"first", "second"}
    # The features of what is not there are zeros; those of the rest have length 1 for each part.
    lengths = np.linalg.norm(output.full.features[:, 6:], axis=1)
    np.testing.assert_allclose(lengths, np.where(lacks, 0, 1), atol=1e-5)
    first = halves["first"].full.probs[lacks]
    assert (output.full.probs[lacks].argmax(1) == first.argmax(1)).all()
    assert len(output.out_of_fold.ids) == (table["split"] != "test").sum()


def test_a_part_without_folds_leaves_val_alone_out_of_fold(
    table: pd.DataFrame, halves: dict[str, RowOutput]
) -> None:
    halves["second"] = made_output(table)
    _, output = join_outputs(table, halves, seed=7)
    assert output.out_of_fold.ids.tolist() == table["id"][table["split"] == "val"].tolist()
    output.out_of_fold.require_unseen(groups_of(table), "val")


def test_fused_rows_read_a_joined_row_like_any_other(
    table: pd.DataFrame, halves: dict[str, RowOutput]
) -> None:
    _, output = join_outputs(table, halves, seed=7)
    alone = fuse(table, halves["first"], halves["first"], STACK, seed=7).predictions
    found = fuse(table, halves["first"], output, STACK, seed=7).predictions
    truth = one_hot(table)[(table["split"] == "test").to_numpy()].argmax(1)
    right = [(one.probs.argmax(1) == truth).mean() for one in (alone, found)]
    assert right[1] == 1.0 > right[0]


def test_all_rounds_and_repeats_are_written_and_the_checkpoint_has_both_parts(
    halves: dict[str, RowOutput], tmp_path: Path
) -> None:
    table = made_table(200)
    table["fold"] = np.arange(len(table)) % 3
    for part, output in halves.items():
        for cv_round in range(3):
            for repeat in range(2):
                # The encoders of one round have seen what another tests.
                nothing = replace(
                    output.full,
                    fitted_ids=output.full.fitted_ids[:0],
                    fitted_by=output.full.fitted_by[:0],
                )
                RowOutput(nothing, nothing).save(
                    tmp_path / "embeddings" / f"the_{part}", cv_round, repeat
                )
        write_json(tmp_path / "weights" / f"the_{part}" / "source.json", {"weights": part})
        write_json(tmp_path / "checkpoints" / f"the_{part}" / "model.json", {"of": part})
        (tmp_path / "checkpoints" / f"the_{part}" / "curves.csv").touch()
    names = {"first": "the_first", "second": "the_second"}
    join_rows(table, "both", names, tmp_path, seed=7, repeats=2)
    for cv_round in range(3):
        for repeat in range(2):
            found = RowOutput.load(tmp_path / "embeddings" / "both", cv_round, repeat)
            assert found.full.ids.tolist() == table["id"].tolist()
    checkpoint = tmp_path / "checkpoints" / "both"
    assert read_json(checkpoint / "parts.json") == names
    for part in halves:
        assert read_json(checkpoint / part / "model.json") == {"of": part}
        assert not (checkpoint / part / "curves.csv").exists()
    source = read_json(tmp_path / "weights" / "both" / "source.json")
    parts = {"the_first": {"weights": "first"}, "the_second": {"weights": "second"}}
    assert source == {"weights": "the_first: first + the_second: second", "parts": parts}
