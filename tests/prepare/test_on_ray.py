"""Groups of a table in parts on Ray are those of one machine, wherever their listings lie."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.duplicates_market import made_market
from src.core.cluster import why_it_died
from src.core.errors import UserError
from src.prepare.duplicates import DuplicateGroups, group_near_duplicates
from src.prepare.links import components
from src.prepare.on_ray import __main__ as command
from src.prepare.on_ray import groups, parts
from src.prepare.on_ray.__main__ import group_files
from src.prepare.on_ray.groups import group_on_ray
from src.prepare.on_ray.parts import put, whole_of
from src.prepare.on_ray.propagation import smallest_of_component
from src.prepare.prepare import prepare
from tests.prepare.markets import raw_market, settings_with


@contextmanager
def _at_once() -> Iterator[None]:
    """Do each task when it is submitted, in this process: thousands are too slow on Ray."""

    def task(function: Callable[..., Any], _: int) -> SimpleNamespace:
        return SimpleNamespace(remote=function)

    with (
        mock.patch.object(parts, "_task", task),
        mock.patch("ray.put", lambda part: part),
        mock.patch("ray.get", lambda pieces: pieces),
        mock.patch("ray.wait"),
        mock.patch.object(groups, "ray_session", nullcontext),
        mock.patch.object(command, "ray_session", nullcontext),
    ):
        yield


def _words(rng: np.random.Generator, count: int) -> str:
    return " ".join(f"слово{number}" for number in rng.integers(10**6, size=count))


def _table(seed: int, size: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A market with reposts and shops, in which some photos are under many listings."""
    market = made_market(max(size, 300), seed)
    rng = np.random.default_rng(seed)
    # As Parquet files and users' tables give them: not in the order of the ids.
    order = rng.permutation(len(market.table))[:size]
    table = (
        market.table.iloc[order].reset_index(drop=True).astype({"text": object, "seller": object})
    )
    index = market.index.iloc[order].reset_index(drop=True).astype({"phash": object})
    walls, terms = rng.integers(2**60, size=3), _words(rng, 50)
    for row in rng.choice(size, size // 4, replace=False):
        kind, wall = rng.integers(4), int(rng.integers(3))
        seller = ["s1", "s2", None][rng.integers(3)]
        table.loc[row, "category"] = f"category {rng.integers(2)}"
        if kind < 3:
            index.loc[row, "row"] = row
            near = 1 << int(rng.integers(40)) if rng.random() < 0.3 else 0
            index.loc[row, "phash"] = f"{int(walls[wall]) ^ near:016x}"
        if kind == 1:
            index.loc[row, "sha256"] = f"{wall:064x}"
        if kind > 1:
            table.loc[row, "text"] = f"{_words(rng, int(rng.integers(25)))} {terms}"
        table.loc[row, "seller"] = seller
    table[["text", "seller"]] = table[["text", "seller"]].astype("str")
    index["phash"] = index["phash"].astype("str")
    return table, index


def _equal(found: DuplicateGroups, expected: DuplicateGroups) -> None:
    pd.testing.assert_series_equal(found.group, expected.group)
    assert found.links == expected.links


@given(
    st.integers(0, 10**6),
    st.integers(1, 900),
    st.integers(1, 6),
    st.integers(0, 12),
    st.sampled_from([0.3, 0.5, 0.7, 1.0]),
)
@settings(max_examples=7, deadline=None)
def test_groups_are_those_of_one_machine(
    seed: int, size: int, count: int, bits: int, similarity: float
) -> None:
    table, index = _table(seed, size)
    expected = group_near_duplicates(table, index, similarity, bits)
    with _at_once(), mock.patch.object(groups, "PART", -(-size // count)):
        _equal(group_on_ray(table, index, similarity, bits), expected)


def test_the_made_up_table_needs_every_rule() -> None:
    table, index = _table(seed=1, size=2500)
    found = group_near_duplicates(table, index, 0.7, 6)
    assert all(links > 50 for links in found.links.values()), found.links
    assert index["phash"].value_counts().iloc[2] > 20 and index["sha256"].value_counts().max() > 20
    with _at_once(), mock.patch.object(groups, "PART", 700):
        _equal(group_on_ray(table, index, 0.7, 6), found)


def test_parts_without_links_have_keys_of_the_same_type() -> None:
    table, index = _table(seed=391619, size=30)
    with _at_once(), mock.patch.object(groups, "PART", 8):
        found = group_on_ray(table, index, 1.0, 4)
    _equal(found, group_near_duplicates(table, index, 1.0, 4))


def test_a_component_may_be_a_chain_through_all_parts() -> None:
    # Each has its photo's file in common with the one before, its seller and title with the next.
    chain = np.random.default_rng(3).permutation(400)
    table = pd.DataFrame({"id": [f"{number:03}" for number in chain], "category": "c", "text": ""})
    table["title"] = table["seller"] = pd.array([f"s{n // 2}" for n in chain], dtype="str")
    index = pd.DataFrame({"row": 0, "sha256": [f"{(n + 1) // 2:064x}" for n in chain]})
    index["phash"] = pd.array([None] * len(chain), dtype="str")
    with _at_once(), mock.patch.object(groups, "PART", 50):
        found = group_on_ray(table, index, 0.7, 6)
    assert found.group.tolist() == ["000"] * 400
    assert found.links == {"same file": 199, "photo": 0, "text": 0, "seller": 200}


@given(st.integers(0, 10**6), st.integers(1, 200), st.integers(0, 300), st.integers(1, 6))
@settings(max_examples=25, deadline=None)
def test_components_are_named_by_their_smallest_row(
    seed: int, rows: int, links: int, count: int
) -> None:
    rng = np.random.default_rng(seed)
    _check_components(rng.integers(rows, size=(links, 2)), rows, count)


def test_a_chain_through_all_parts_is_one_component() -> None:
    order = np.random.default_rng(4).permutation(5000)
    links = np.stack([order[:-1], order[1:]], axis=1)
    _check_components(np.random.default_rng(5).permutation(links), 5000, count=6)


def _check_components(links: np.ndarray, rows: int, count: int) -> None:
    table = pd.DataFrame(links, columns=["one", "other"]).astype("int64")
    with _at_once():
        found = whole_of(smallest_of_component(put(table.iloc[k::count] for k in range(count))))
    label = pd.Series(np.arange(rows))
    label[found["row"]] = found["label"].to_numpy()
    expected = pd.Series(np.arange(rows)).groupby(components(links, rows)[1]).transform("min")
    assert label.tolist() == expected.tolist() and found["row"].is_unique


def test_the_stage_gives_the_same_result_by_either_engine() -> None:
    raw, index = raw_market()
    raw["text"] = [raw["text"][number // 4 * 4] for number in range(len(raw))]
    with _at_once():
        local, on_ray = (
            prepare(raw, index, settings_with(engine=name, min_per_category=1), seed=7)
            for name in ("local", "ray")
        )
    pd.testing.assert_frame_equal(on_ray.table, local.table)
    assert on_ray.notes == local.notes and local.notes["duplicates"]["groups"] > 5


@pytest.mark.usefixtures("two_workers")
def test_files_get_their_groups_on_ray(tmp_path: Path) -> None:
    table, index = _table(seed=2, size=1000)
    expected = group_near_duplicates(table, index.assign(row=0), 0.7, 6)
    table = table.assign(group=expected.group, sha256=index["sha256"], phash=index["phash"])
    files = [tmp_path / f"{name}.parquet" for name in "abc"]
    for file, rows in zip(files, (slice(500), slice(500, 500), slice(500, None)), strict=True):
        table.iloc[rows].to_parquet(file, row_group_size=300)
    with mock.patch.object(groups, "PART", 600):
        links = group_files(files, tmp_path / "out", 0.7, 6)
    found = pd.concat([pd.read_parquet(tmp_path / "out" / file.name) for file in files])
    assert found["id"].tolist() == table["id"].tolist()
    assert found["group"].tolist() == table["group"].tolist() and links == expected.links


def test_only_texts_are_needed(tmp_path: Path) -> None:
    text = " ".join(f"слово{number}" for number in range(30))
    table = pd.DataFrame({"id": ["a", "b", "c"], "title": "", "text": [text, text, None]})
    table.to_parquet(tmp_path / "a.parquet")
    with _at_once():
        links = group_files([tmp_path / "a.parquet"], tmp_path / "out", 0.7, 6)
    assert links == {"same file": 0, "photo": 0, "text": 1, "seller": 0}
    found = pd.read_parquet(tmp_path / "out" / "a.parquet")
    assert found["group"].tolist() == ["a", "a", "c"]


def test_numbers_are_the_same_keys_beside_empty_cells(tmp_path: Path) -> None:
    number, text = 12345678901234567, " ".join(f"слово{number}" for number in range(30))
    for name, sellers in (("a", [number, None]), ("b", [number, 5])):
        ids = [f"{name}1", f"{name}2"]
        seller = pd.array(sellers, dtype="Int64")
        table = {"id": ids, "title": [text, "иное"], "text": "", "seller": seller}
        pd.DataFrame(table).to_parquet(tmp_path / f"{name}.parquet")
    files = [tmp_path / "a.parquet", tmp_path / "b.parquet"]
    with _at_once():
        links = group_files(files, tmp_path / "out", 0.7, 6)
    assert links["seller"] == 1


def test_tables_are_not_replaced_by_their_groups(tmp_path: Path) -> None:
    table = pd.DataFrame({"id": ["a"], "title": ["t"], "text": ["t"]})
    table.to_parquet(tmp_path / "a.parquet")
    with pytest.raises(UserError, match="would be replaced by its groups; give another --out"):
        group_files([tmp_path / "a.parquet"], tmp_path, 0.7, 6)
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "a.parquet"), table)


def test_files_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    for folder in (tmp_path, tmp_path / "b"):
        pd.DataFrame({"id": ["a"], "title": ["t"]}).to_parquet(folder / "a.parquet")
    (tmp_path / "c.parquet").write_text("no")
    pd.DataFrame({"id": [], "title": [], "text": []}).to_parquet(tmp_path / "e.parquet")
    cases = {
        ("a.parquet",): "a.parquet has no column 'text'; expected id, title, text and",
        ("a.parquet", "b/a.parquet"): "2 tables are named a.parquet",
        ("c.parquet",): "c.parquet is not a Parquet file that can be read",
        ("e.parquet",): "1 table given, but no listing is in them",
        ("d.parquet",): "d.parquet is not a Parquet file that can be read",
    }
    for names, message in cases.items():
        with pytest.raises(UserError, match=message):
            group_files([tmp_path / name for name in names], tmp_path / "out", 0.7, 6)


def test_without_ray_the_user_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    raw, index = raw_market()
    with pytest.raises(UserError, match=r"^the engine ray needs Ray: pip install '.\[cluster\]'$"):
        prepare(raw, index, settings_with(engine="ray"), seed=7)


def test_a_full_disk_of_ray_is_one_line_and_a_fault_of_a_task_its_own() -> None:
    ray = pytest.importorskip("ray", reason="the extra `cluster` is not installed")
    full = ray.exceptions.OutOfDiskError("no room\nof any kind")
    told = why_it_died(ray.exceptions.RayTaskError("task", "trace", full))
    assert told == "no room"
    with pytest.raises(UserError, match="broken"):
        why_it_died(ray.exceptions.RayTaskError("task", "trace", UserError("broken")))
