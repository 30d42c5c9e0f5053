"""The user's own table: what is used, what is rejected and why, what stops the run."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from src.cleaning.tables.table import UserTable
from src.collect.collected import Collected
from src.collect.table import read_table
from src.core.errors import UserError
from src.core.schema import Columns
from src.core.schema import Table as TableSettings
from tests.made import made_photo

COLUMNS = Columns(
    id="id", title="title", text="description", price="price", category="category",
    photo="image", seller="", split="split", listed="",
)  # fmt: skip
GOOD = {
    "id": "1", "title": "Стул", "description": "Крепкий", "price": "500",
    "category": "Мебель", "image": "",
}  # fmt: skip


class Table:
    """Writes a table and a folder of photos, and reads them as the source does."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.photos = folder / "photos"
        self.photos.mkdir()
        self.out = folder / "out"
        self.out.mkdir()

    def read(self, *rows: dict[str, Any], name: str = "t.csv", **changes: Any) -> Collected:
        frame = pd.DataFrame([GOOD | row for row in rows])
        path = self.folder / name
        if name.endswith(".parquet"):
            frame.to_parquet(path)
        elif not path.exists():
            frame.to_csv(path, index=False)
        columns = COLUMNS.model_copy(update=changes.pop("columns", {}))
        paths = {"folder": str(self.folder), "path": name, "photos": "photos"} | changes
        found = read_table(TableSettings(columns=columns, **paths), self.out, seed=7, workers=2)
        found.listings = list(found.listings)
        assert found.read == len(found.listings) + len(found.rejected)
        return found


@pytest.fixture
def table(tmp_path: Path) -> Table:
    return Table(tmp_path)


def test_a_good_row_is_used_as_it_is(table: Table) -> None:
    (table.photos / "a.png").write_bytes(made_photo(kind="PNG"))
    found = table.read({"image": "a.png", "who": "Оля"}, columns={"seller": "who"})
    (listing,) = found.listings
    assert listing[:5] == ("1", "Стул", "Крепкий", 500.0, "Мебель")
    assert (table.out / str(listing.photo)).read_bytes() == made_photo(kind="PNG")
    assert listing.seller and "Оля" not in listing.seller
    assert listing.split is None
    assert not found.rejected and not found.noted


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"category": ""}, "no category"),
        ({"category": "  "}, "no category"),
        ({"category": "x" * 201}, "category longer than 200"),
        ({"id": "1"}, "id occurs earlier in the table"),
        ({"id": ""}, "no id"),
        ({"id": "a/b"}, "id longer than 64 or with characters other than letters"),
        ({"id": "x" * 65}, "id longer than 64 or with characters other than"),
    ],
)
def test_a_row_that_cannot_be_used_is_rejected(
    table: Table, row: dict[str, str], reason: str
) -> None:
    found = table.read({}, {"id": "2"} | row)
    assert [listing.id for listing in found.listings] == ["1"]
    assert len(found.rejected) == 1 and found.rejected[0].reason.startswith(reason)


@pytest.mark.parametrize(
    ("price", "reason"),
    [
        ("договорная", "price cannot be read"), ("1e400", "price cannot be read"),
        ("inf", "price cannot be read"), ("1e13", "price above 1e12"),
        ("-5", "price below zero"),
    ],
)  # fmt: skip
def test_a_bad_price_is_missing_and_noted(table: Table, price: str, reason: str) -> None:
    found = table.read({"price": price})
    assert found.listings[0].price is None
    assert [note.reason for note in found.noted] == [reason]


@pytest.mark.parametrize(
    ("given_price", "price"),
    [
        ("1 500 ₽", 1500), ("1\u00a0500 руб.", 1500), ("12,5", 12.5), ("nan", None),
        ("1,500.25", 1500.25), ("1.500,25 €", 1500.25), ("£30", 30), ("0", 0), ("", None),
    ],
)  # fmt: skip
def test_prices_as_people_write_them(table: Table, given_price: str, price: float | None) -> None:
    found = table.read({"price": given_price})
    assert found.listings[0].price == price and not found.noted


def test_contacts_are_redacted_before_anything_is_kept(table: Table) -> None:
    phone = "8 916 123 45 67"
    (table.photos / "a.jpg").write_bytes(made_photo())
    found = table.read(
        {"title": f"Стул {phone}", "description": f"Звоните {phone}"},
        {"id": phone},
        {"id": "3", "price": phone},
        {"id": "4", "image": f"{phone}.jpg"},
        {"id": "5", "image": "a.jpg"},
    )
    assert phone not in repr(found)
    assert len(found.rejected) == 1 and len(found.noted) >= 1


def test_csv_with_a_byte_order_mark_or_semicolons(table: Table) -> None:
    header = "id;title;description;price;category;image"
    content = f"\ufeff{header}\n007;Стул;NA;1,5;Мебель;\n"
    (table.folder / "t.csv").write_text(content, encoding="utf-8")
    (listing,) = table.read({}).listings
    assert (listing.id, listing.text, listing.price) == ("007", "", 1.5)


def test_numbers_in_parquet_keep_no_trailing_zero(table: Table) -> None:
    rows: list[dict[str, Any]] = [
        {"id": 1.0, "category": 7},
        {"id": None, "category": 8},
        {"id": 3.0, "category": 8},
    ]
    found = table.read(*rows, name="t.parquet")
    assert [(row.id, row.category) for row in found.listings] == [("1", "7"), ("3", "8")]
    assert [note.reason for note in found.rejected] == ["no id"]


@pytest.mark.parametrize(
    "typed",
    [
        pa.array([20250131, None, 99999999]),
        pa.array([20250131.0, None, 5.5]),
        pa.array(["31.01.2025", "", "99.99.9999"]).dictionary_encode(),
        pa.array(["31.01.2025", None, "never"], pa.large_string()),
        pa.array([b"20250131", b"", b"\xff"]),
        pa.array([20119, None, 2**30], pa.int32()).cast(pa.date32()),
        pa.array([20119 * 86_400_000, None, 2**50 // 86_400_000 * 86_400_000]).cast(pa.date64()),
        pa.array([1738281600, None, 2**40], pa.timestamp("s")),
        pa.array([1738281600000, None, 2**60], pa.timestamp("ms", "Nowhere/City")),
        pa.array([Decimal(20250131), None, Decimal(7)]),
        pa.array([None, None, ["31.01.2025"]]),
    ],
    ids=lambda typed: str(typed.type)[:20],
)
def test_a_date_of_any_type_is_read_or_noted_and_its_row_kept(table: Table, typed: Any) -> None:
    frame = pd.DataFrame([GOOD | {"id": str(n)} for n in range(3)])
    content = pa.Table.from_pandas(frame, preserve_index=False).append_column("day", typed)
    pq.write_table(content, table.folder / "own.parquet")
    found = table.read({}, path="own.parquet", columns={"listed": "day"})
    first = None if pa.types.is_list(typed.type) else "2025-01-31"
    assert [listing.listed for listing in found.listings] == [first, None, None]
    assert {(note.id, note.reason[:4]) for note in found.noted} == {("2", "date")}


@pytest.mark.parametrize(
    "typed",
    [
        pa.array([1500, None, 2**62]),
        pa.array([1500.0, float("nan"), float("inf")]),
        pa.array([Decimal("1500.00"), None, Decimal("-0.01")]),
        pa.array([1500, None, None], pa.float16()),
        pa.array(["1 500 ₽", "", "много"]).dictionary_encode(),
        pa.array(["1500", None, "1-2"], pa.large_string()),
        pa.array([b"1500", b"", b"\xff"]),
        pa.array([True, None, False]),
        pa.array([{"amount": 1500}, None, {"amount": 2}]),
        pa.array([1500, None, 2**61], pa.timestamp("us")),
    ],
    ids=lambda typed: str(typed.type)[:20],
)
def test_a_price_of_any_type_is_read_or_noted_and_its_row_kept(table: Table, typed: Any) -> None:
    frame = pd.DataFrame([GOOD | {"id": str(n)} for n in range(3)]).drop(columns="price")
    content = pa.Table.from_pandas(frame, preserve_index=False).append_column("price", typed)
    pq.write_table(content, table.folder / "own.parquet")
    found = table.read({}, path="own.parquet")
    others = pa.types.is_boolean, pa.types.is_struct, pa.types.is_timestamp
    first = None if any(is_other(typed.type) for is_other in others) else 1500
    assert [listing.price for listing in found.listings] == [first, None, None]
    noted = {note.id for note in found.noted}
    assert noted == ({"0", "2"} if first is None else {"2"} if typed[2].is_valid else set())


def test_photos_inside_parquet_need_no_folder(table: Table) -> None:
    struct = {"bytes": made_photo(), "path": "a.jpg"}
    rows = [{"image": struct}, {"id": "2", "image": {"bytes": None, "path": None}}]
    found = table.read(*rows, name="t.parquet", photos="none")
    first, second = found.listings
    assert (table.out / str(first.photo)).read_bytes() == struct["bytes"]
    assert second.photo is None and not found.noted


def test_lists_of_names_in_parquet(table: Table) -> None:
    (table.photos / "a.jpg").write_bytes(made_photo())
    found = table.read({"image": ["images/A.jpg", "b.jpg"]}, name="t.parquet")
    assert [listing.photo is not None for listing in found.listings] == [True]


def test_without_an_id_column_rows_are_numbered(table: Table) -> None:
    found = table.read({}, {}, columns={"id": ""})
    assert [listing.id for listing in found.listings] == ["row-1", "row-2"]


def test_a_split_column_is_kept(table: Table) -> None:
    rows = [{"id": "1", "split": "Train"}, {"id": "2", "split": "val"}, {"id": "3", "split": "dev"}]
    found = table.read(*rows)
    assert [listing.split for listing in found.listings] == ["train", "val"]
    assert found.rejected[0].reason == "split is not one of train, val, test"


def test_an_empty_split_column_is_ignored(table: Table) -> None:
    assert table.read({"split": ""}).listings[0].split is None


def test_a_queued_experiment_reads_its_own_copy_of_a_relative_folder(
    table: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table.read({"title": "Старый"})
    copy = tmp_path / "queue"
    (copy / "own" / "photos").mkdir(parents=True)
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    monkeypatch.chdir(copy)
    with pytest.raises(UserError, match=r"own/t\.csv does not exist in this experiment's copy"):
        table.read({}, folder="own", name="t.csv")
    (copy / "own" / "t.csv").write_text(
        (tmp_path / "t.csv").read_text().replace("Старый", "Новый"), encoding="utf-8"
    )
    assert table.read({}, folder="own").listings[0].title == "Новый"


@pytest.mark.parametrize("setting", ["path", "photos"])
@pytest.mark.parametrize("how", ["full", "up", "link"])
def test_a_file_outside_the_watched_folder_is_refused(
    table: Table, tmp_path: Path, setting: str, how: str
) -> None:
    table.read({})
    (tmp_path / "own").mkdir()
    table.read({}, name="own/t.csv")
    (tmp_path / "own" / "link").symlink_to(
        tmp_path / {"path": "t.csv", "photos": "photos"}[setting]
    )
    outside = tmp_path / ("t.csv" if setting == "path" else "photos")
    value = {"full": str(outside), "up": f"../{outside.name}", "link": "link"}[how]
    changes = {"folder": str(tmp_path / "own"), "path": "t.csv", "photos": "photos"}
    with pytest.raises(UserError, match=rf"collect\.table\.{setting}: .* outside .*own, so DVC"):
        table.read({}, **changes | {setting: value})


@pytest.mark.parametrize("setting", ["path", "photos"])
@pytest.mark.parametrize("target", ["../gone", "gone", "link"])
def test_a_broken_link_is_said_to_be_one(table: Table, setting: str, target: str) -> None:
    table.read({})
    (table.folder / "link").symlink_to(target)
    with pytest.raises(UserError, match=rf"table\.{setting}: .*/link is a link to {target}, which"):
        table.read({}, **{"path": "t.csv", setting: "link"})


def test_a_full_path_inside_the_watched_folder_is_read(table: Table, tmp_path: Path) -> None:
    table.read({})
    assert table.read({}, path=str(tmp_path / "t.csv"), photos=str(tmp_path / "photos")).listings


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"path": "none.csv"},
            r"collect\.table\.path: .*/none\.csv does not exist; give the CSV",
        ),
        ({"photos": ""}, r"collect\.table\.photos is empty"),
        ({"photos": "none"}, "collect.table.photos: .*/none does not exist; give the folder"),
        ({"photos": "t.csv"}, "is not a folder"),
        ({"columns": {"title": "name"}}, "columns.title: .* no column 'name'; set it to \"\""),
        ({"columns": {"category": "kind"}}, "columns.category: .*it has: id, title, description"),
        ({"columns": {"seller": "who"}}, "columns.seller: .* no column 'who'"),
    ],
)
def test_a_mistake_in_params_is_one_clear_line(
    table: Table, changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(UserError, match=words) as error:
        table.read({}, **changes)
    assert "\n" not in str(error.value)


def test_a_split_column_with_gaps_is_refused(table: Table) -> None:
    with pytest.raises(UserError, match=r"1 of 2 rows .* have no split; fill them"):
        table.read({"split": "train"}, {"id": "2", "split": ""})


@pytest.mark.parametrize("name", ["t.csv", "t.parquet"])
@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00\x01", b"\x00" * 99, b"id\n", b"\n\n"])
def test_a_file_that_is_not_a_table_is_refused(table: Table, name: str, content: bytes) -> None:
    (table.folder / f"bad_{name}").write_bytes(content)
    with pytest.raises(UserError, match=r"UTF-8|does not begin|is empty|has no column") as error:
        table.read({}, path=f"bad_{name}")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_ids_that_a_float_has_rounded_are_set_aside(table: Table, dtype: str) -> None:
    frame = pd.DataFrame([GOOD | {"title": "а"}, GOOD | {"title": "б"}])
    frame["id"] = pd.Series([1, 10**16 + 1]).astype(dtype)
    frame.to_parquet(table.folder / "t.parquet")
    settings = TableSettings(
        folder=str(table.folder), path="t.parquet", photos="photos", columns=COLUMNS
    )
    found = read_table(settings, table.out, seed=7, workers=1)
    assert [listing.id for listing in found.listings] == ["1"]
    (note,) = found.rejected
    assert note.reason.startswith("id is a number whose last digits are lost")
    assert note.detail.startswith("row 2")


def test_categories_that_look_the_same_are_one_and_others_are_told(table: Table) -> None:
    names = ["Мебель", "Ме\u200bбель ", "\ufeffМебель", "мебель", "Mебель"]
    rows = [{"id": str(n), "category": name} for n, name in enumerate(names)]
    found = table.read(*rows)
    assert [listing.category for listing in found.listings] == ["Мебель"] * 3 + names[3:]
    (told,) = [line for line in found.said if "look-alike" in line]
    assert "Мебель (3), мебель (1), Mебель (1)" in told


def test_a_word_for_a_missing_value_is_no_category_seller_or_split(table: Table) -> None:
    words = ["nan", "None", "-", "N/A"]
    rows = [{"id": str(n), "category": word} for n, word in enumerate(words, 2)]
    found = table.read({"who": "nan", "split": "nan"}, *rows, columns={"seller": "who"})
    assert [(row.seller, row.split) for row in found.listings] == [(None, None)]
    assert found.rejected[0].detail == "line 3: nan"
    assert {note.reason for note in found.rejected} == {"category is a word for a missing value"}


@pytest.mark.parametrize("word", ["nan", "None", "N/A"])
def test_a_word_for_a_missing_value_is_no_title_or_text(table: Table, word: str) -> None:
    (listing,) = table.read({"title": word, "description": f" {word} "}).listings
    assert (listing.title, listing.text) == ("", "")


def test_the_table_is_read_twice_in_all(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    (table.photos / "a.jpg").write_bytes(made_photo())
    passes = []
    rows = UserTable.rows
    monkeypatch.setattr(
        UserTable, "rows", lambda *args, **kinds: passes.append(1) or rows(*args, **kinds)
    )
    found = table.read({"image": "x/a.jpg", "price": "1,50"}, {"id": "2", "image": "x/a.jpg"})
    assert all(listing.photo for listing in found.listings) and len(passes) == 2


def test_a_row_that_is_set_aside_does_not_take_its_id(table: Table) -> None:
    found = table.read({"category": ""}, {"title": "Стол"}, {"title": "Шкаф"})
    assert [listing.title for listing in found.listings] == ["Стол"]
    assert [note.reason for note in found.rejected] == [
        "no category",
        "id occurs earlier in the table",
    ]


def test_a_name_that_two_columns_have_is_refused(table: Table) -> None:
    (table.folder / "t.csv").write_text("id,title,title,category\n1,a,b,c\n", encoding="utf-8")
    with pytest.raises(UserError, match="2 columns named 'title'; rename all but one"):
        table.read({})


def test_a_column_may_serve_two_fields(table: Table) -> None:
    (listing,) = table.read({}, columns={"text": "title"}).listings
    assert listing.title == listing.text == "Стул"


def test_the_summary_says_how_a_table_is_read(table: Table) -> None:
    content = "id;title;description;price;category;image\n1;Стул;Крепкий;5;Мебель;\n"
    (table.folder / "t.csv").write_bytes(content.encode("cp1251"))
    assert table.read({}).said[:2] == [
        f"{table.folder}/t.csv: CSV in CP1251 as its letters suggest (e.g. 'Стул'), separated by "
        "semicolons",
        "no column 'split': the listings get a new split",
    ]


def test_rows_are_read_as_their_listings_are_asked_for(table: Table) -> None:
    rows = pd.DataFrame([GOOD | {"id": str(n)} for n in range(5000)])
    rows.to_csv(table.folder / "t.csv", index=False)
    settings = TableSettings(
        folder=str(table.folder), path="t.csv", photos="photos", columns=COLUMNS
    )
    listings = iter(read_table(settings, table.out, seed=7, workers=1).listings)
    assert next(listings).id == "0"
    with (table.folder / "t.csv").open("a") as file:
        file.write("5000,a,b,1,c,\n")
    with pytest.raises(UserError, match="has changed while it was read; run this again"):
        list(listings)
