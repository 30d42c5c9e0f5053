"""Damaged tables: no traceback, and no row that is whole is lost or changed without a word."""

from __future__ import annotations

from pathlib import Path

from tests.collect.table_fuzz import outcome


def test_no_row_that_is_whole_is_lost_or_changed_in_silence(tmp_path: Path) -> None:
    outcomes = [outcome(f"7 {number}", tmp_path / str(number)) for number in range(250)]
    assert not [one for one in outcomes if one.wrong]
    # Nearly all rows that are whole are read although others are not.
    assert sum(one.read for one in outcomes) > 0.97 * sum(one.whole for one in outcomes)
    assert sum(one.refused for one in outcomes) < 25
