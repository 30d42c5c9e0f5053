"""Names of columns that do not stand over their cells, or not where they should."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from src.cleaning.tables import csv_table
from src.cleaning.tables.table import UserTable
from src.core.errors import UserError

WANTED = ["id", "title", "description", "price", "category", "image"]
HEADER = ["id", "title", "price", "category"]
ROWS = [[str(n), f"Phone {n}", str(n * 37 % 11 * 50), "AB"[n % 2]] for n in range(1, 21)]
SHIFTED = "names may belong to the cells after the first one; give each column a name"


def opened(folder: Path, header: Sequence[str], rows: Sequence[Sequence[str]]) -> UserTable:
    lines = [",".join(row) for row in [header, *rows]]
    (folder / "t.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return UserTable(folder / "t.csv", WANTED)


def cells(table: UserTable, columns: Sequence[str]) -> list[list[str] | str]:
    positions = {name: table.columns.index(name) for name in columns}
    return [row.fault or list(row.cells.values()) for row in table.rows(positions)]


def quoted(row: Sequence[str]) -> list[str]:
    return [cell if cell.isdecimal() else f'"{cell}"' for cell in row]


def r_table(
    header: Sequence[str], rows: Sequence[Sequence[str]], last: str
) -> tuple[list[str], list[list[str]]]:
    """Return the cells as R's write.table writes them, with a last column that is empty."""
    return quoted([*header, "note"]), [
        [f'"{n}"', *quoted(row), last] for n, row in enumerate(rows, 1)
    ]


@pytest.mark.parametrize("last", ['""', ""])
@pytest.mark.parametrize("columns", [[0, 1, 2, 3], [1, 2, 3], [2, 3], [3, 2], [1, 3], [0, 3, 1]])
def test_names_of_rows_that_r_writes_shift_nothing(
    tmp_path: Path, last: str, columns: list[int]
) -> None:
    header, rows = [HEADER[n] for n in columns], [[row[n] for n in columns] for row in ROWS]
    with pytest.raises(UserError, match=SHIFTED) as error:
        opened(tmp_path, *r_table(header, rows, last))
    assert "row.names = FALSE" in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize("end", [[""], ["", ""]])
@pytest.mark.parametrize("named", [False, True])
@pytest.mark.parametrize("columns", [[0, 1, 2, 3], [0, 3], [0, 2], [1, 2, 3], [3, 1], [2, 1, 0]])
def test_separators_at_the_end_shift_nothing(
    tmp_path: Path, end: list[str], named: bool, columns: list[int]
) -> None:
    header, rows = [HEADER[n] for n in columns], [[row[n] for n in columns] for row in ROWS]
    if len(end) > 1 and not named:
        return
    table = opened(tmp_path, header + end * named, [row + end for row in rows])
    assert cells(table, header) == rows


@pytest.mark.parametrize(
    "rows",
    [
        [["0", "12", "50", "A", "t0"], ["1", "13", "50", "B", "t1"]],
        [[str(n), str(12 + n), str(n % 7 * 50), "AB"[n % 2], f"t{n}"] for n in range(20)],
        [[f"{n}", f"telephone-{n}", "50", "A", ""] for n in range(20)],
    ],
)
def test_a_header_that_lacks_the_first_name_and_has_an_empty_last_one_is_refused(
    tmp_path: Path, rows: list[list[str]]
) -> None:
    with pytest.raises(UserError, match=SHIFTED):
        opened(tmp_path, ["id", "price", "category", "title", ""], rows)


def test_commas_that_may_have_cut_numbers_are_refused(tmp_path: Path) -> None:
    rows = [[f"{n}", f"t{n}", "b", "5", f"{n % 90 + 10}", "Cars", ""] for n in range(20)]
    header = ["id", "title", "text", "price", "category", "image"]
    with pytest.raises(UserError, match="commas may have cut its numbers"):
        opened(tmp_path, header, rows)


def test_a_last_column_without_a_name_is_left_out_where_the_others_are_in_place(
    tmp_path: Path,
) -> None:
    table = opened(tmp_path, [*HEADER, ""], [[*row, "note"] for row in ROWS])
    assert cells(table, HEADER) == ROWS
    rows = [[*row, "note" if n == 3 else ""] for n, row in enumerate(ROWS)]
    found = cells(opened(tmp_path, [*HEADER, ""], rows), HEADER)
    assert found == [*ROWS[:3], csv_table.WIDTH, *ROWS[4:]]


@pytest.mark.parametrize("titles", [["Прайс-лист"], ["Прайс, лист"], ["Прайс-лист,,,"], ["a", ""]])
def test_lines_above_the_names_of_columns_are_named(tmp_path: Path, titles: list[str]) -> None:
    lines = [*titles, ",".join(HEADER), *map(",".join, ROWS)]
    (tmp_path / "t.csv").write_text("\n".join(lines), encoding="utf-8")
    where = f"seem to be in line {len(titles) + 1}; remove the lines above"
    with pytest.raises(UserError, match=where):
        UserTable(tmp_path / "t.csv", WANTED)


@pytest.mark.parametrize(
    ("header", "row", "words"),
    [
        ("id title price", "1 Phone 5", r"cannot be taken apart \('id title price'\); separate"),
        ('"id" "title" "price"', '"1" 1 "Phone" 5', "cannot be taken apart .* not by spaces"),
        ('id,"title,price', "1,Phone,5", "cannot be taken apart .* pair the quotes"),
        ('"a" b "c"', "1,2", "the quotes do not pair in its line with the names"),
        ("id,title,price,category", '1,"a,2,x\n' + "b, c, d\n" * 40, "do the quotes pair\\?"),
        ("id,title", "1,2,a,b\n" * 9, "are the names of the columns in the first line"),
    ],
)
def test_messages_say_what_is_wrong_with_the_names(
    tmp_path: Path, header: str, row: str, words: str
) -> None:
    (tmp_path / "t.csv").write_text(f"{header}\n{row}\n", encoding="utf-8")
    with pytest.raises(UserError, match=words) as error:
        UserTable(tmp_path / "t.csv", WANTED)
    assert "\n" not in str(error.value) and "in R" not in str(error.value)


def test_a_table_of_one_column_is_called_that(tmp_path: Path) -> None:
    table = opened(tmp_path, ["title"], [["a"], ["b"]])
    assert table.about == "CSV in UTF-8, with one column"
