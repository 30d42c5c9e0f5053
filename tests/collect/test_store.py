"""The crawl's state on disk: what is kept, what is never written, what is deleted."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

from src.collect.collected import Listing, Note, store_photo
from src.collect.forget import forget_everywhere, main
from src.collect.snapshot import snapshot
from src.collect.store import Position, Store
from src.core.errors import UserError, run_command

PHONE, SELLER = "+7 916 123-45-67", "a1b2c3d4e5f6"


def listing(listing_id: str, photo: str | None = None, category: str = "Столы") -> Listing:
    text = f"Звоните {PHONE}, пишите на ivan@example.org"
    return Listing(listing_id, f"Стол {PHONE}", text, 100.0, category, photo, f"/user/{SELLER}")


def everything_in(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_contacts_and_sellers_never_reach_the_disk(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        store.add_page("/a", ["1", "2"], [listing("1"), listing("2")], whole=True)
        store.note("rejected", Note("3", "odd", f"<p>{PHONE}</p>"))
        store.note("noted", Note("3", "odd", "http://example.org/x"))
        on_disk = everything_in(tmp_path)
        sellers = {found.seller for found in snapshot(store, tmp_path / "out").listings}
    on_disk += everything_in(tmp_path)
    for secret in ("916", "123-45", "ivan@", SELLER, "example.org"):
        assert secret.encode() not in on_disk
    assert len(sellers) == 1 and None not in sellers


def test_sellers_of_two_stores_cannot_be_matched(tmp_path: Path) -> None:
    sellers = []
    for name in ("a", "b"):
        with Store(tmp_path / name) as store:
            store.add_page("/a", ["1"], [listing("1")], whole=True)
            sellers += [found.seller for found in snapshot(store, tmp_path).listings]
    assert len(set(sellers)) == 2


def test_a_page_is_stored_whole_or_not_at_all(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        store.db.execute("INSERT INTO starts VALUES ('/a', 1, 4)")
        broken = listing("2")._replace(category=None)  # type: ignore[arg-type]
        with pytest.raises(sqlite3.IntegrityError):
            store.add_page("/a", ["1", "2"], [listing("1"), broken], whole=True)
        assert store.count() == 0 and store.position("/a") == Position(1, 4)


def test_the_walk_continues_where_it_was(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        assert store.position("/a") == Position(1, 1)
        assert store.add_page("/a", ["1"], [listing("1")], whole=True) == 1
        assert store.add_page("/a", ["1", "2"], [listing("1"), listing("2")], whole=False) == 1
    with Store(tmp_path) as store:
        assert store.position("/a") == Position(1, 2)
        assert store.was_shown("/a", ["1"]) and not store.was_shown("/a", ["1", "2"])
        assert not store.was_shown("/b", ["1"])
        store.finish_start("/a")
        store.walk_again(["/a", "/b"])
        assert store.position("/a") == Position(2, 1) and store.position("/b") == Position(1, 1)
        assert not store.was_shown("/a", ["1"])
        assert store.count() == 2 and store.count("Столы") == 2 and store.count("Стулья") == 0


def test_a_photo_damaged_on_disk_is_fetched_again(tmp_path: Path) -> None:
    with Store(tmp_path / "store") as store:
        store.add_page("/a", ["1", "2"], [listing("1", "/1"), listing("2", "/2")], whole=True)
        for listing_id in ("1", "2"):
            photo = store_photo(store.photos, f"photo {listing_id}".encode())
            store.photo_stored(listing_id, photo)
        query = "SELECT photo FROM listings WHERE id = '1'"
        (store.photos / store.db.execute(query).fetchone()[0]).write_bytes(b"")
        found = snapshot(store, tmp_path / "out")
        assert [item.photo is None for item in found.listings] == [True, False]
        assert [note.reason for note in found.noted] == ["photo: damaged on disk, run again"]
        store.retry_failed()
        assert store.wanted_photos(9) == [("1", "/1")]


def test_two_crawls_cannot_write_to_one_store(tmp_path: Path) -> None:
    with (
        Store(tmp_path),
        pytest.raises(UserError, match="another crawl is writing"),
        Store(tmp_path),
    ):
        pass


def test_a_file_that_is_not_a_store_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "crawl.sqlite").write_bytes(
        b"not a database, but long enough to be read as one" * 99
    )
    with pytest.raises(UserError, match=r"move .* away"), Store(tmp_path):
        pass


def test_files_left_by_a_kill_are_deleted(tmp_path: Path) -> None:
    left = tmp_path / "photos" / "ab" / ".abc.jpg.77-88.part"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"half")
    with Store(tmp_path):
        assert not left.exists()


def test_a_forgotten_listing_is_gone_and_does_not_come_back(tmp_path: Path) -> None:
    data = tmp_path / "data"
    unique = "Неповторимый шкаф"
    with Store(data / "crawl" / "avito") as store:
        items = [listing("1", "/1"), listing("2", "/2")._replace(title=unique), listing("3", "/3")]
        store.add_page("/a", ["1", "2", "3"], items, whole=True)
        for listing_id, content in (("1", b"shared"), ("2", b"wardrobe-77"), ("3", b"shared")):
            store.photo_stored(listing_id, store_photo(store.photos, content))
        store.note("noted", Note("2", "price cannot be read", unique))
        raw = data / "raw"
        (raw / "notes").mkdir(parents=True)
        table = pd.DataFrame(snapshot(store, raw / "photos").listings)
        table.to_parquet(raw / "listings.parquet")
        noted = [Note("2", "x", unique), Note("1", "x")]
        pd.DataFrame(noted).to_csv(raw / "notes" / "noted.csv", index=False)
    assert unique.encode() in everything_in(data)
    assert forget_everywhere("2", data) == f"2: deleted from {data}/crawl/avito, {raw}"
    assert unique.encode() not in everything_in(data)
    assert b"wardrobe-77" not in everything_in(data) and b"shared" in everything_in(data)
    assert pd.read_parquet(raw / "listings.parquet")["id"].tolist() == ["1", "3"]
    with Store(data / "crawl" / "avito") as store:
        assert store.add_page("/b", ["2"], [listing("2")], whole=True) == 0
        assert not store.has("2")
    with pytest.raises(UserError, match="listing 2 is in no crawl"):
        forget_everywhere("2", data)


def test_forgetting_leaves_no_trace_of_the_id(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listing_id = "4000000037"
    with Store(tmp_path / "data" / "crawl" / "avito") as store:
        store.add_page("/a", [listing_id], [listing(listing_id)], whole=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["forget", listing_id])
    run_command(main)
    assert listing_id.encode() not in everything_in(tmp_path / "data")
    assert not [path for path in tmp_path.rglob("*") if listing_id in path.name]


@pytest.mark.parametrize("listing_id", ["", "../../etc", "1" * 21, "1;DROP TABLE", "\u0661"])
def test_only_ids_can_be_forgotten(listing_id: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is not a listing's id"):
        forget_everywhere(listing_id, tmp_path)


def test_a_full_disk_is_no_reason_to_begin_the_crawl_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "crawl.sqlite").write_bytes(b"no database" * 1000)
    with pytest.raises(UserError, match=r"move .* away"), Store(tmp_path):
        pass
    # SQLite calls it "disk I/O error" where it cannot make its log.
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=0))
    with pytest.raises(OSError, match="No space left"), Store(tmp_path):
        pass
