"""The user's tables: encodings, separators, quotes, and files that are no tables."""

from __future__ import annotations

import csv
import datetime
import gzip
from collections.abc import Callable
from decimal import Decimal
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.cleaning.tables import csv_table, parquet_table, records
from src.cleaning.tables.table import UserTable
from src.core.errors import UserError

HEADER = "id,title,price,category"
ROWS = [
    ["1", "Стул", "500", "Мебель"],
    ["2", "Кошка ищет дом", "0", "Животные"],
    ["3", "Стол из дуба", "1500", "Мебель"],
    ["4", "Книги о природе", "300", "Книги"],
    ["5", "Собака", "0", "Животные"],
]
LINES = [",".join(row) for row in ROWS]
# Some look like rows of a table with the first two or all of these columns.
TEXT_LINES = ["", "2020, хорошая", LINES[0], "7, a, 2, 3", 'Он сказал "да"', "конец,", '"', "5"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def table(folder: Path, content: str | bytes, name: str = "t.csv") -> UserTable:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return UserTable(path, HEADER.split(","))


def rows(found: UserTable) -> list[tuple[str, list[str] | str]]:
    """Return (where, cells or fault) of all rows."""
    positions = {name: n for n, name in enumerate(found.columns) if name}
    return [(row.where, row.fault or list(row.cells.values())) for row in found.rows(positions)]


def good(found: UserTable) -> list[list[str] | str]:
    return [cells for _, cells in rows(found)]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize(
    "encoding",
    [
        "utf-8",
        "utf-8-sig",
        "utf-16",
        "utf-16-le",
        "utf-16-be",
        "utf-32",
        "cp1251",
        "koi8_r",
        "cp866",
    ],
)
def test_separators_and_encodings_are_found_out(
    folder: Path, separator: str, encoding: str
) -> None:
    content = "\n".join([HEADER, *LINES]).replace(",", separator)
    found = table(folder, content.encode(encoding))
    assert found.columns == HEADER.split(",") and good(found) == ROWS
    assert encoding.removesuffix("-sig").upper().replace("_", "-") in found.about
    words = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "pipes"}
    assert words[separator] in found.about


def test_western_letters_of_excel_are_read(folder: Path) -> None:
    content = "id;title;price;category\n1;schöner Stuhl für München;5;Möbel\n2;Größe;6;Möbel\n"
    found = table(folder, content.encode("cp1252"))
    assert good(found)[0] == ["1", "schöner Stuhl für München", "5", "Möbel"]


@pytest.mark.parametrize(
    "content",
    [
        "id;name, short;price, RUB\n1;Стул, белый;1,5\n2;Стол;2,5\n",
        "sep=;\nid;name, short;price, RUB\n1;Стул, белый;1,5\n2;Стол;2,5\n",
        '"sep=;"\r\nid;name, short;price, RUB\r\n1;Стул, белый;1,5\r\n2;Стол;2,5\r\n',
        "\n\nid;name, short;price, RUB\n1;Стул, белый;1,5\n2;Стол;2,5\n",
    ],
)
def test_a_header_with_other_separators_in_names_does_not_mislead(
    folder: Path, content: str
) -> None:
    path = folder / "t.csv"
    path.write_text(content, encoding="utf-8", newline="")
    for wanted in ((), ("id", "name, short", "price, RUB")):
        found = UserTable(path, wanted)
        assert found.columns == ["id", "name, short", "price, RUB"]
        assert good(found) == [["1", "Стул, белый", "1,5"], ["2", "Стол", "2,5"]]


def test_an_unusual_separator_is_read_if_the_file_names_it(folder: Path) -> None:
    found = table(folder, "sep=^\n" + "\n".join([HEADER, *LINES]).replace(",", "^"))
    assert good(found) == ROWS


def test_a_table_of_one_column_needs_no_separator(folder: Path) -> None:
    assert good(table(folder, "title\nстол, стул\nкот\nа;б,в\n")) == [
        ["стол, стул"], ["кот"], ["а;б,в"],
    ]  # fmt: skip


@pytest.mark.parametrize("header", [HEADER, HEADER + ",", HEADER + ",,"])
@pytest.mark.parametrize("end", ["", ","])
def test_a_separator_too_many_on_all_rows_shifts_nothing(
    folder: Path, header: str, end: str
) -> None:
    found = table(folder, "\n".join([header, *(line + end for line in LINES)]))
    assert good(found) == ROWS


@pytest.mark.parametrize("end", [",", ",x", ",,"])
def test_a_row_with_another_number_of_cells_is_set_aside(folder: Path, end: str) -> None:
    found = rows(table(folder, "\n".join([HEADER, LINES[0] + end, *LINES[1:], "6,Кот,5"])))
    assert [cells for _, cells in found[1:-1]] == ROWS[1:]
    assert found[0] == ("line 2", csv_table.WIDTH) and found[-1] == ("line 7", csv_table.WIDTH)


def test_a_comma_in_a_text_without_quotes_shifts_nothing_where_rows_end_in_a_comma(
    folder: Path,
) -> None:
    lines = [line + "," for line in LINES]
    found = good(table(folder, "\n".join([HEADER, *lines, "6,Кот, рыжий,5,Животные,"])))
    assert found == [*ROWS, csv_table.WIDTH]


def test_a_header_that_fits_few_rows_is_refused(folder: Path) -> None:
    with pytest.raises(UserError, match=r"5 of its first 5 rows have 5 cells and the header has 4"):
        table(folder, "\n".join([HEADER, *(f"{n},{line}" for n, line in enumerate(LINES))]))


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_two_unclosed_quotes_swallow_no_rows(folder: Path, line_end: str) -> None:
    lines = [f"{n},Стул {n},{n}00,Мебель" for n in range(1, 41)]
    lines[4] = '5,"Стул,500,Мебель'
    lines[19] = '20,"Стол, новый,2000,Мебель'
    found = rows(table(folder, line_end.join([HEADER, *lines])))
    assert len(found) == 40
    assert found[4] == ("line 6", ["5", '"Стул', "500", "Мебель"])
    assert found[19] == ("line 21", csv_table.QUOTE)
    others = [row for n, row in enumerate(found) if n not in (4, 19)]
    assert all(cells[1].startswith("Стул ") for _, cells in others)


def test_a_quote_that_another_row_closes_swallows_no_rows(folder: Path) -> None:
    lines = [f"{n},Стул {n},{n}00,Мебель" for n in range(1, 41)]
    for first, last, text in ((4, 19, "Стул"), (24, 29, "Стул, новый")):
        lines[first] = f'{first + 1},"{text},500,Мебель'
        lines[last] = f'{last + 1},Стол",2000,Мебель'
    found = good(table(folder, "\n".join([HEADER, *lines])))
    assert len(found) == 40
    assert found[4] == ["5", '"Стул', "500", "Мебель"] and found[24] == csv_table.QUOTE
    assert found[19] == ["20", 'Стол"', "2000", "Мебель"]


def test_texts_of_several_lines_are_one_cell(folder: Path) -> None:
    text = 'Строка\n\nПродаю: стол, стул, шкаф, диван\n"да", 1, 2, 3\r\nконец'
    quoted = '"' + text.replace('"', '""') + '"'
    content = "\n".join([HEADER, LINES[0], f"9,{quoted},5,Мебель", *LINES[1:]])
    found = rows(table(folder, content))
    assert found[1] == ("lines 3-7", ["9", text, "5", "Мебель"])
    assert [cells for n, (_, cells) in enumerate(found) if n != 1] == ROWS


def test_lines_of_a_text_with_broken_quotes_become_no_rows(folder: Path) -> None:
    lines = ['6,"Он сказал "да", и', "ушёл, хлопнув, дверью, домой", 'конец",5,Мебель', LINES[0]]
    found = rows(table(folder, "\n".join([HEADER, *LINES, *lines])))
    assert [where for where, _ in found[5:]] == ["line 7", "line 8", "line 9", "line 10"]
    assert found[5][1] == found[6][1] == csv_table.QUOTE and found[7][1] == csv_table.WIDTH
    assert found[8][1] == ROWS[0]


def test_quotes_inside_texts_are_kept(folder: Path) -> None:
    lines = ['6,Монитор 24",5,Мебель', '7,"Диван ""Икея""",5,Мебель', '8,"Зенит" фото,5,Мебель']
    found = good(table(folder, "\n".join([HEADER, *LINES, *lines])))
    assert [row[1] for row in found[5:]] == ['Монитор 24"', 'Диван "Икея"', '"Зенит" фото']


def test_quotes_with_backslashes_and_apostrophes_as_quotes_are_read(folder: Path) -> None:
    escaped = [rf'{n},"Стул \"Икея\", {n}",5,Мебель' for n in range(5)]
    assert good(table(folder, "\n".join([HEADER, *escaped])))[3][1] == 'Стул "Икея", 3'
    header = ",".join(f"'{name}'" for name in HEADER.split(","))
    found = table(folder, "\n".join([header, "'1','Стул, белый','5','Мебель'"]))
    assert good(found) == [["1", "Стул, белый", "5", "Мебель"]]


def test_blank_lines_are_no_rows_and_empty_rows_are_set_aside(folder: Path) -> None:
    found = good(table(folder, "\n".join([HEADER, LINES[0], "", "  ", LINES[1], ",,,", ""])))
    assert found == [*ROWS[:2], csv_table.EMPTY]


def test_rows_with_bytes_in_another_encoding_are_set_aside(folder: Path) -> None:
    lines: list[bytes] = [line.encode() for line in (HEADER, *LINES)]
    lines[3] = LINES[2].encode("cp1251")
    found = table(folder, b"\n".join(lines))
    assert good(found) == [*ROWS[:2], csv_table.BYTES, *ROWS[3:]]
    assert found.about == "CSV in UTF-8 (some bytes are invalid), separated by commas"


def test_a_file_that_is_cut_loses_its_last_row_only(folder: Path) -> None:
    whole = "\n".join([HEADER, *LINES]).encode()
    assert good(table(folder, whole[:-3])) == [*ROWS[:4], csv_table.BYTES]
    content = gzip.compress(whole)
    with pytest.raises(UserError, match=r"cannot be read as CSV or Parquet: .*end-of-stream"):
        table(folder, content[:-12], "t.csv.gz")


def test_a_long_text_of_many_lines_is_one_cell(folder: Path) -> None:
    text = "Крепкий, почти новый\n" * 20_000
    lines = [f'{n},"{text}",{n}00,Мебель' for n in range(6, 10)]
    found = good(table(folder, "\n".join([HEADER, *lines, *LINES])))
    assert found == [*([str(n), text, f"{n}00", "Мебель"] for n in range(6, 10)), *ROWS]


@pytest.mark.parametrize("text", ["я" * 1500, '"' + "строка, ещё\n" * 200 + '"', "а,б" * 2000])
@pytest.mark.parametrize("limit", [1000, 1001])
def test_a_row_that_is_too_long_is_called_that_and_costs_no_other(
    folder: Path, text: str, limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = table(folder, "\n".join([HEADER, *LINES[:2], f"6,{text},5,Мебель", *LINES[2:]]))
    monkeypatch.setattr(records, "LONGEST", limit)
    found = good(opened)
    assert [row for row in found if row in ROWS] == ROWS
    assert found[2] == csv_table.LONG and set(map(str, found[2:-3])) <= {
        csv_table.LONG, csv_table.WIDTH
    }  # fmt: skip


def test_of_a_line_without_an_end_only_the_beginning_is_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(records, "LONGEST", 9)
    lines = ["a" * 9 + "\n", "b" * 10 + "\n", "c" * 35 + "\n", "d" * 8 + "\r\n", "e" * 40]
    assert list(records.limited_lines(StringIO("".join(lines), newline=""))) == [
        "a" * 9 + "\n", "b" * 10, "c" * 10, "d" * 8 + "\r\n", "e" * 10,
    ]  # fmt: skip


@given(st.lists(st.lists(st.sampled_from(TEXT_LINES)), min_size=3, max_size=8), st.booleans())
def test_a_row_that_is_read_strictly_at_full_width_is_never_torn_apart(
    texts: list[list[str]], short: bool
) -> None:
    written = [
        [str(n), "\n".join(["Стул", *lines]), f"{n}00", "Мебель"][: 2 if short else 4]
        for n, lines in enumerate(texts, 1)
    ]
    out = StringIO()
    csv.writer(out, lineterminator="\n").writerows([HEADER.split(",")[: len(written[0])], *written])
    with TemporaryDirectory() as name:
        assert good(table(Path(name), out.getvalue())) == written


@pytest.mark.parametrize("text", ["Honda Civic\n2020, excellent\nphone me", "Honda\n2020, good"])
def test_a_line_of_a_text_that_looks_like_a_row_is_none(folder: Path, text: str) -> None:
    lines = [f'{n},"Стул {n}"' for n in range(10)]
    path = folder / "t.csv"
    path.write_text("\n".join(["id,text", *lines, f'30,"{text}"']), encoding="utf-8", newline="")
    found = good(UserTable(path, ["id", "text"]))
    assert len(found) == 11 and found[-1] == ["30", text]


def test_a_header_that_lacks_the_first_name_shifts_nothing(folder: Path) -> None:
    # As R's write.table writes it; the last column is empty in most rows.
    lines = [
        f'"{n}",{line.rsplit(",", 1)[0]},{"Мебель" * (n == 3)}' for n, line in enumerate(LINES)
    ]
    with pytest.raises(UserError, match=r"have 5 cells .* \(in R: row.names = FALSE\)") as error:
        table(folder, "\n".join([HEADER, *lines]))
    assert "\n" not in str(error.value)


def test_a_value_out_of_range_in_parquet_costs_its_row_only_as_text(folder: Path) -> None:
    moments = pa.array([0, 2**61, None, 86_400_000_000], pa.timestamp("us"))
    pq.write_table(pa.table({"id": ["1", "2", "3", "4"], "day": moments}), folder / "t.parquet")
    found = UserTable(folder / "t.parquet")
    texts = list(found.rows({"id": 0, "day": 1}))
    assert [row.fault for row in texts] == ["", parquet_table.OUT_OF_RANGE, "", ""]
    stored = list(found.rows({"id": 0, "day": 1}, raw=["day"]))
    assert not any(row.fault for row in stored)
    assert stored[1].cells == {"id": "2", "day": parquet_table.OUT_OF_RANGE}
    assert texts[3].cells["day"] == str(stored[3].cells["day"]) == "1970-01-02 00:00:00"


@pytest.mark.parametrize("value", [["Chairs", "Desks"], [], {"name": "Chairs"}])
def test_a_list_or_struct_in_parquet_is_no_text(folder: Path, value: object) -> None:
    pq.write_table(pa.table({"id": ["1"], "category": [value]}), folder / "t.parquet")
    (row,) = UserTable(folder / "t.parquet").rows({"category": 1})
    assert (row.where, row.fault) == ("row 1", parquet_table.NO_TEXT)


def test_a_text_that_is_not_utf8_in_parquet_costs_its_row_only_as_text(folder: Path) -> None:
    broken = pa.array([b"\xff", b"5"]).view(pa.binary()).cast(pa.binary())
    texts = pa.Array.from_buffers(pa.string(), 2, broken.buffers())
    pq.write_table(pa.table({"id": ["1", "2"], "price": texts}), folder / "t.parquet")
    found = UserTable(folder / "t.parquet")
    assert [row.fault for row in found.rows({"price": 1})] == [parquet_table.NOT_UTF8, ""]
    assert [row.cells["price"] for row in found.rows({"price": 1}, raw=["price"])] == [
        parquet_table.NOT_UTF8, "5",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("t.parquet", gzip.compress, "is a Parquet file that gzip has compressed; unpack it first"),
        ("t.csv.gz", gzip.compress, "is a Parquet file that gzip has compressed; unpack it first"),
        ("t.parquet", lambda content: content[:-9], "is a Parquet file whose end is missing; copy"),
        ("t.pq", lambda _: b"a,b\n1,2\n", "does not begin as a Parquet file does; make it anew"),
        ("t.parquet", lambda _: b"ARROW1\0\0", "is an Arrow file; save the table as CSV"),
        ("t.csv", lambda _: b"version https://git-lfs.github.com/spec/v1\n", "is a pointer of Git"),
        ("t.parquet", lambda _: b"", "is empty"),
    ],
)
def test_what_only_pretends_to_be_parquet_is_named(
    folder: Path, name: str, change: Callable[[bytes], bytes], message: str
) -> None:
    whole = pa.BufferOutputStream()
    pq.write_table(pa.table({"id": ["1"]}), whole)
    (folder / name).write_bytes(change(whole.getvalue().to_pybytes()))
    with pytest.raises(UserError, match=f"{name} {message}"):
        UserTable(folder / name)


def test_a_moment_in_an_unknown_zone_is_read(folder: Path) -> None:
    moments = pa.array([0], pa.timestamp("ms", "Nowhere/City"))
    pq.write_table(pa.table({"day": moments}), folder / "t.parquet")
    ((moment,),) = (row.cells.values() for row in UserTable(folder / "t.parquet").rows({"day": 0}))
    assert moment == "1970-01-01 00:00:00+00:00"


def test_gzip_is_unpacked_whatever_its_name(folder: Path) -> None:
    content = gzip.compress("\n".join([HEADER, *LINES]).encode("cp1251"))
    for name in ("t.csv.gz", "t.csv"):
        assert good(table(folder, content, name)) == ROWS


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"PK\x03\x04" + b"\0" * 60, r"an Excel workbook \(\.xlsx\)"),
        (b"\xd0\xcf\x11\xe0" + b"\0" * 60, r"an Excel workbook \(\.xls\)"),
        (b"BZh91AY&SY" + b"\0" * 60, "compressed by bzip2"),
        (b"\xef\xbb\xbf<!DOCTYPE html>", "HTML or XML"),
        (b'[{"id": 1}]', "JSON"),
        (b'{"id": 1}\n{"id": 2}\n', "JSON"),
        (b"\x89PNG\r\n\x1a\n", "a picture"),
        (gzip.compress(b"PK\x03\x04", mtime=0), "Excel workbook"),
        (b"", "is empty"),
        (b" \n\n", "is empty"),
        (b"\0" * 100, "is not text"),
        (b"id,\xff\xfe\nx,y\n" * 3 + "имя,".encode() * 50, "not text in UTF-8"),
    ],
)
def test_other_files_are_refused_by_name(folder: Path, content: bytes, words: str) -> None:
    with pytest.raises(UserError, match=words) as error:
        table(folder, content)
    assert "\n" not in str(error.value)


def test_names_of_columns_in_brackets_are_no_json(folder: Path) -> None:
    assert table(folder, "[id];[title]\n1;Стул\n").columns == ["[id]", "[title]"]


def test_a_missing_file_or_a_folder_is_refused(folder: Path) -> None:
    with pytest.raises(UserError, match="there is no such file"):
        UserTable(folder / "none.csv")
    with pytest.raises(UserError, match="is not a file"):
        UserTable(folder)


def test_a_file_that_changes_while_it_is_read_is_refused(folder: Path) -> None:
    found = table(folder, "\n".join([HEADER, *LINES]))
    (folder / "t.csv").write_text(HEADER + "\n1,a,b,c\n", encoding="utf-8")
    with pytest.raises(UserError, match="has changed while it was read"):
        rows(found)


def test_a_column_is_found_by_what_can_be_seen(folder: Path) -> None:
    found = table(folder, "\ufeff\ufeffid, Назва\u200bние ,цена\nx,y,z\n")
    assert [found.find(name) for name in ("id", "Название", "цена", "title", "")] == [
        0, 1, 2, None, None,
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["t.csv", "t.parquet"])
def test_a_name_that_two_columns_have_is_refused(folder: Path, name: str) -> None:
    if name == "t.csv":
        found = table(folder, "id,title,title\n1,a,b\n")
    else:
        column = pa.array(["a"])
        pq.write_table(pa.table([column, column, column], ["id", "title", "title"]), folder / name)
        found = UserTable(folder / name)
    assert found.find("id") == 0
    with pytest.raises(UserError, match="has 2 columns named 'title'; rename all but one"):
        found.find("title")


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        ([b"\xd0\xb0", None], ["а", ""]),
        ([1.0, float("nan")], ["1", ""]),
        ([2**60 + 1, None], [str(2**60 + 1), ""]),
        ([Decimal("5.00"), Decimal("5.50")], ["5", "5.50"]),
        ([datetime.datetime(2026, 2, 3), None], ["2026-02-03 00:00:00", ""]),
        ([datetime.date(2026, 2, 3), None], ["2026-02-03", ""]),
        ([True, None], ["True", ""]),
    ],
)
def test_values_of_parquet_as_text(folder: Path, values: list[Any], texts: list[str]) -> None:
    pq.write_table(pa.table({"a.b": values}), folder / "t.parquet")
    found = UserTable(folder / "t.parquet")
    assert [row.cells["x"] for row in found.rows({"x": 0})] == texts
    assert [row.cells["x"] for row in found.rows({"x": 0}, raw={"x"})][1] in (None, values[1]) or (
        np.isnan(values[1])
    )


def test_bytes_in_parquet_that_are_no_text_cost_their_row(folder: Path) -> None:
    pq.write_table(pa.table({"id": [b"1", b"\xff"]}), folder / "t.parquet")
    assert rows(UserTable(folder / "t.parquet")) == [
        ("row 1", ["1"]), ("row 2", "bytes that are not UTF-8 text"),
    ]  # fmt: skip


@pytest.mark.parametrize("ids", [["x", "y"], range(10, 12), [11, 10]])
def test_an_index_with_a_name_is_a_column(folder: Path, ids: list[Any]) -> None:
    frame = pd.DataFrame({"title": ["a", "b"]}, index=pd.Index(ids, name="id"))
    frame.to_parquet(folder / "t.parquet")
    found = UserTable(folder / "t.parquet")
    position = found.find("id")
    assert position is not None and not found.exact
    assert [row.cells["id"] for row in found.rows({"id": position})] == list(map(str, ids))


def test_a_long_counted_index_goes_on_from_batch_to_batch(folder: Path) -> None:
    frame = pd.DataFrame({"title": ["a"] * 2500}, index=pd.RangeIndex(5, 5005, 2, name="id"))
    frame.to_parquet(folder / "t.parquet")
    found = UserTable(folder / "t.parquet")
    read = [row.cells for row in found.rows({"id": 1, "title": 0})]
    assert [row["id"] for row in read] == [str(5 + 2 * n) for n in range(2500)]


@pytest.mark.parametrize(
    ("dtype", "limit"), [("float64", 2**53), ("float32", 2**24), ("int64", None), ("str", None)]
)
def test_how_far_numbers_of_parquet_are_exact(folder: Path, dtype: str, limit: int | None) -> None:
    pd.DataFrame({"id": pd.Series([1, 2]).astype(dtype)}).to_parquet(folder / "t.parquet")
    assert UserTable(folder / "t.parquet").exact.get(0) == limit
    pd.DataFrame({"id": pd.Series([1, 2]).astype(dtype).astype("category")}).to_parquet(
        folder / "t.parquet"
    )
    assert UserTable(folder / "t.parquet").exact.get(0) == limit


def test_rows_are_counted_without_any_column(folder: Path) -> None:
    pd.DataFrame({"a": range(2500)}).to_parquet(folder / "t.parquet")
    assert sum(1 for _ in UserTable(folder / "t.parquet").rows({})) == 2500
