"""Damaged tables: no traceback, and no row that is whole is lost or changed without a word."""

from __future__ import annotations

from pathlib import Path

from tests.collect.table_fuzz import outcome


def test_no_row_that_is_whole_is_lost_or_changed_in_silence(tmp_path: Path) -> None:
    outcomes = [outcome(f"7 {number}", tmp_path / str(number)) for number in range(250)]
    assert not [one.wrong for one in outcomes if one.wrong]
    # Damage to the header or to a compressed file costs the table, any other only its rows.
    kept = [one for one in outcomes if not one.refused]
    assert len(kept) > 200
    assert sum(one.read for one in kept) > 0.99 * sum(one.whole for one in kept)
