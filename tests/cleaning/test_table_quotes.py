"""Stray quotes that swallow rows, and quoted texts whose lines look like rows."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from io import StringIO
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.cleaning.tables import csv_table
from src.cleaning.tables.row import Row
from src.cleaning.tables.table import UserTable

HEADER = ["id", "price", "category", "image", "text"]
CATEGORIES = ("Phones", "Cars")
LISTED = "list\n7,200,Phones,2.jpg,ok\n8,300,Phones,3.jpg,ok"


def listing(number: int, n: int) -> list[str]:
    return [str(number), str(100 + n % 7), CATEGORIES[n % 2], f"{number}.jpg", f"ok {n}"]


UNORDERED = Random(7).sample(range(50, 1000), 60)
PLAIN = [listing(number, n) for n, number in enumerate(range(1, 21))]


def read(path: Path, lines: Sequence[str], columns: Sequence[str]) -> list[Row]:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="")
    table = UserTable(path, columns)
    return list(table.rows({name: n for n, name in enumerate(columns)}))


def written(rows: Sequence[Sequence[str]]) -> list[str]:
    out = StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue().removesuffix("\n").split("\n")


@pytest.mark.parametrize("numbers", [range(20), range(1, 21), range(500, 480, -1), UNORDERED[:20]])
@pytest.mark.parametrize("place", [0, 1, 10, 20])
def test_a_list_of_rows_in_the_last_column_is_a_text_and_noted(
    tmp_path: Path, numbers: Sequence[int], place: int
) -> None:
    rows = [listing(number, n) for n, number in enumerate(numbers)]
    rows.insert(place, ["1", "100", "Phones", "1.jpg", LISTED])
    found = read(tmp_path / "t.csv", written([HEADER, *rows]), HEADER)
    assert [list(row.cells.values()) for row in found] == rows
    assert [row.note for row in found].count(csv_table.LIKE_ROWS) == 1
    assert found[place].note and found[place].where == f"lines {place + 2}-{place + 4}"


@given(
    st.lists(st.lists(st.integers(0, 6), max_size=4), min_size=8, max_size=12),
    st.sampled_from([HEADER, ["id", "text"]]),
)
def test_lists_of_other_rows_in_the_last_column_are_never_torn_apart(
    lists: list[list[int]], columns: list[str]
) -> None:
    rows = []
    for n, numbers in enumerate(lists):
        lines = [",".join(listing(number, number)) for number in numbers]
        row = [*listing(n, n)[:-1], "\n".join(["list", *lines])]
        rows.append([row[HEADER.index(name)] for name in columns])
    with TemporaryDirectory() as folder:
        found = read(Path(folder) / "t.csv", written([columns, *rows]), columns)
    assert [list(row.cells.values()) for row in found] == rows
    if columns == HEADER:
        assert [bool(row.note) for row in found] == list(map(bool, lists))


@pytest.mark.parametrize("numbers", [range(1, 21), range(900, 700, -10), range(3, 200, 9)])
@pytest.mark.parametrize("closing", ["", ", да"])
@pytest.mark.parametrize("columns", [HEADER, ["id", "text"], ["text", "id"]])
def test_quotes_that_pair_swallow_no_rows_where_a_column_counts(
    tmp_path: Path, numbers: Sequence[int], closing: str, columns: list[str]
) -> None:
    rows = [dict(zip(HEADER, listing(number, n), strict=True)) for n, number in enumerate(numbers)]
    rows[4]["text"] = '"ok' + closing
    rows[9]["text"] = f'ok{closing}"'
    lines = [",".join(row[name] for name in columns) for row in rows]
    found = read(tmp_path / "t.csv", [",".join(columns), *lines], columns)
    assert len(found) == len(rows)
    for n, row in enumerate(found):
        if n not in (4, 9):
            assert row.cells == {name: rows[n][name] for name in columns}
    assert found[4].note == csv_table.AS_IT_STANDS or found[4].fault


def test_an_empty_text_of_quotes_that_pairs_with_the_row_before_swallows_none(
    tmp_path: Path,
) -> None:
    lines = [f"{n};t{n};ok;{n};Cars;{n}.jpg" for n in UNORDERED[:20]]
    lines[2:4] = ['3;t2;"end"";664;Cars;2.jpg', '4;t3;""";22;Cars;3.jpg']
    names = ["id", "title", "text", "price", "category", "image"]
    found = read(tmp_path / "t.csv", [";".join(names), *lines], names)
    assert [row.where for row in found] == [f"line {n}" for n in range(2, 22)]
    assert [row.note for row in found[2:4]] == [csv_table.AS_IT_STANDS] * 2
    assert [row.cells["text"] for row in found[2:4]] == ['"end""', '"""']


@pytest.mark.parametrize("many", [False, True])
def test_where_nothing_counts_rows_in_the_last_text_are_noted_unless_they_are_many(
    tmp_path: Path, many: bool
) -> None:
    rows = [listing(number, n) for n, number in enumerate(UNORDERED)]
    last = 40 if many else 9
    rows[4][-1], rows[last][-1] = '"ok', 'ok"'
    found = read(tmp_path / "t.csv", [",".join(row) for row in [HEADER, *rows]], HEADER)
    noted = [(row.where, row.note) for row in found if row.note]
    if many:
        assert len(found) == 60 and noted == [("line 6", csv_table.AS_IT_STANDS)]
    else:
        assert len(found) == 55 and noted == [("lines 6-11", csv_table.LIKE_ROWS)]


@given(st.integers(0, 10**6), st.booleans(), st.sampled_from([HEADER, ["id", "text"]]))
def test_two_stray_quotes_cost_no_other_row_in_silence(
    seed: int, counted: bool, columns: list[str]
) -> None:
    random = Random(seed)
    rows = [dict(zip(HEADER, row, strict=True)) for row in PLAIN]
    if not counted:
        random.shuffle(rows)
    lines = [",".join(row[name] for name in columns) for row in rows]
    touched = random.sample(range(20), 2)
    for n in touched:
        at = random.randrange(len(lines[n]) + 1)
        lines[n] = lines[n][:at] + '"' + lines[n][at:]
    with TemporaryDirectory() as folder:
        found = read(Path(folder) / "t.csv", [",".join(columns), *lines], columns)
    whole = [row.cells for row in found if not row.fault]
    told = [row.where for row in found if row.fault or row.note == csv_table.LIKE_ROWS]
    lost = [n for n, row in enumerate(rows) if {name: row[name] for name in columns} not in whole]
    for n in set(lost) - set(touched):
        assert any(n + 2 in lines_of(where) for where in told)
    # Enough rows are left to see that a column counts.
    if counted and abs(touched[0] - touched[1]) <= 10:
        assert set(lost) <= set(touched)


def lines_of(where: str) -> range:
    first, _, last = where.removeprefix("lines ").removeprefix("line ").partition("-")
    return range(int(first), int(last or first) + 1)


def test_backslashes_that_escape_nothing_are_text(tmp_path: Path) -> None:
    lines = [r'1,"C:\new \"x\" \\ y\,z\"",5', r"2,a\b\\,6", r'3,"\N",7']
    found = read(tmp_path / "t.csv", ["id,title,price", *lines], ["id", "title", "price"])
    assert [row.cells["title"] for row in found] == [r'C:\new "x" \ y\,z"', "a\\b\\", r"\N"]


@pytest.mark.parametrize(
    "again", ["id,title,price", "\ufeffid , title,price", '"id","title","price"']
)
@pytest.mark.parametrize("end", ["", ","])
def test_a_repeated_header_is_set_aside(tmp_path: Path, again: str, end: str) -> None:
    lines = [f"{n},Стул id,5{end}" for n in range(1, 4)]
    columns = ["id", "title", "price"]
    found = read(
        tmp_path / "t.csv", ["id,title,price", *lines, again, *lines, "id,a,b" + end], columns
    )
    assert [row.fault for row in found] == [""] * 3 + [csv_table.HEADER] + [""] * 4
    assert found[3].where == "line 5"


def test_texts_of_several_lines_with_commas_are_not_noted(tmp_path: Path) -> None:
    columns = ["id", "text", "price", "category"]
    texts = ["Стол, белый\nКрепкий, новый, звоните", "a\nb, c, d\ne, f, g, h", "да,\n1, 2, нет"]
    rows = [[f"x{n:x}f", texts[n % 3], str(n * 50), CATEGORIES[n % 2]] for n in range(30)]
    found = read(tmp_path / "t.csv", written([columns, *rows]), columns)
    assert [list(row.cells.values()) for row in found] == rows
    assert not any(row.note for row in found)
