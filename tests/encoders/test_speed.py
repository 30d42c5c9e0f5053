"""Which way is taken, what is remembered, and what never changes a result."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from src.encoders import speed

SLOW, QUICK = {"setup_s": 0.0, "rows_per_s": 10.0}, {"setup_s": 5.0, "rows_per_s": 100.0}


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "listing-classifier" / "speed.json"


def measured(monkeypatch: pytest.MonkeyPatch, **speeds: speed.Speeds) -> list[str]:
    """Put speeds in the place of measuring; gives the names of the ways that were tried."""
    tried: list[str] = []

    def stand_in(setup: Callable[[], str], batch: int) -> object:
        tried.append(setup())
        return speeds[tried[-1]]

    monkeypatch.setattr(speed, "_measured", stand_in)
    return tried


def ways(*names: str) -> dict[str, Callable[[], str]]:
    return {name: lambda name=name: name for name in names}


def choose(rows: int, *names: str, what: str = "net") -> str:
    return speed.fastest(ways(*names), what, batch=16, rows=rows)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("quick", "rows", "expected"),
    [
        (QUICK, 1000, "quick"),
        # 50 s against 5 + 5: worth its set-up; with 60 rows, 6 s against 5.6, it is not.
        (QUICK, 500, "quick"),
        ({"setup_s": 5.0, "rows_per_s": 11.0}, 100_000, "exact"),
        ({"setup_s": 0.0, "rows_per_s": 12.9}, 1000, "exact"),
        ({"setup_s": 0.0, "rows_per_s": 13.1}, 1000, "quick"),
        ({"setup_s": 100.0, "rows_per_s": 100.0}, 1000, "exact"),
        (None, 1000, "exact"),
    ],
)
def test_another_way_must_be_worth_it(
    cache: Path, monkeypatch: pytest.MonkeyPatch, quick: object, rows: int, expected: str
) -> None:
    measured(monkeypatch, exact=SLOW, quick=quick)  # type: ignore[arg-type]
    assert choose(rows, "exact", "quick") == expected


def test_a_machine_measures_once(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tried = measured(monkeypatch, exact=SLOW, quick=QUICK)
    assert [choose(1000, "exact", "quick") for _ in range(3)] == ["quick"] * 3
    assert tried == ["exact", "quick"]
    # Other numbers of rows need no other measurement, another network does.
    choose(600, "exact", "quick")
    assert tried == ["exact", "quick"]
    choose(1000, "exact", "quick", what="another")
    assert tried == ["exact", "quick"] * 2
    assert len(json.loads(cache.read_text())) == 2


def test_few_rows_and_single_ways_are_not_measured(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = measured(monkeypatch, exact=SLOW, quick=QUICK)
    assert choose(speed.MIN_ROWS - 1, "exact", "quick") == "exact"
    assert choose(10**6, "exact") == "exact"
    assert not tried
    assert not cache.exists()


def test_what_is_remembered_may_be_broken_or_unwritable(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured(monkeypatch, exact=SLOW, quick=QUICK)
    cache.parent.mkdir()
    cache.write_text('{"half')
    assert choose(1000, "exact", "quick") == "quick"
    assert json.loads(cache.read_text())
    monkeypatch.setenv("XDG_CACHE_HOME", "/proc/none")
    assert choose(1000, "exact", "quick") == "quick"


def test_trying_out_neither_fails_nor_moves_the_dice() -> None:
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)

    def broken() -> Callable[[], None]:
        torch.rand(5)
        raise ValueError

    found = speed._measured(lambda: lambda: torch.rand(10), 16)
    assert found is not None
    assert found["rows_per_s"] > 0
    assert speed._measured(broken, 16) is None
    torch.testing.assert_close(torch.rand(3), expected, rtol=0, atol=0)
