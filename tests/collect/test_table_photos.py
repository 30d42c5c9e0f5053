"""Photos of a table: copied whatever way they are named, counted and said where not."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from src.cleaning.photo_folder import PhotoFolder
from src.cleaning.photo_names import photo_cell
from src.collect.collected import Collected
from src.collect.table_photos import PhotoCounts, copy_batch, require_some
from src.core.errors import UserError
from tests.made import made_photo

_JPEG, _OK, _OTHER = made_photo(), made_photo("ok"), made_photo("other")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "images"
    folder.mkdir()
    (folder / "ok.jpg").write_bytes(_OK)
    (folder / "Other.JPG").write_bytes(_OTHER)
    return folder


def copied(folder: Path | None, tmp_path: Path, *cells: Any) -> tuple[dict[str, bytes], Collected]:
    """Return the copied photos by the number of the cell, and what was noted and said."""
    collected = Collected([], [], [])
    rows = [{"id": str(number), "photo": cell} for number, cell in enumerate(cells)]
    out = tmp_path / "out"
    counts = PhotoCounts()
    with PhotoFolder(folder) if folder else nullcontext() as place:
        if place is not None:
            place.learn(map(photo_cell, cells))
        # In batches, as long tables are read.
        stored = copy_batch(rows[:2], place, out, 2, collected, counts)
        stored |= copy_batch(rows[2:], place, out, 2, collected, counts)
        require_some(counts, place)
    if counts.named:
        collected.said.append(counts.line())
    return {number: (out / name).read_bytes() for number, name in stored.items()}, collected


def test_what_was_found_is_said_with_examples(folder: Path, tmp_path: Path) -> None:
    cells = ["ok.jpg", "", "images/other", "ok.jpg;Other.JPG", "gone.jpg", "lost", None]
    photos, collected = copied(folder, tmp_path, *cells)
    assert photos == {"0": _OK, "2": _OTHER, "3": _OK}
    assert [(note.id, note.reason, note.detail) for note in collected.noted] == [
        ("4", "photo: not in the folder", "gone.jpg"),
        ("5", "photo: not in the folder", "lost"),
    ]
    assert collected.said == [
        "photos named: 5 = 3 found + 2 missing + 0 broken; "
        "spelled otherwise: 1 (e.g. 'images/other' is 'Other.JPG'); "
        "several in a cell, the first found is used: 1 (e.g. 'ok.jpg;Other.JPG')"
    ]


def test_without_names_nothing_is_said(folder: Path, tmp_path: Path) -> None:
    photos, collected = copied(folder, tmp_path, "", None, "nan")
    assert not photos and not collected.said and not collected.noted


@pytest.mark.parametrize("cells", [["gone.jpg"], ["", "../ok.jpg", "https://x.y/1.jpg", "no"]])
def test_if_no_photo_is_found_it_stops(folder: Path, tmp_path: Path, cells: list[str]) -> None:
    with pytest.raises(UserError) as error:
        copied(folder, tmp_path, *cells)
    message = str(error.value)
    assert "\n" not in message and f"in {folder}" in message and "it holds 2 files" in message
    assert f"none of the {len([c for c in cells if c])} photos" in message
    assert 'collect.table.columns.photo to ""' in message


def test_an_empty_folder_is_named_as_the_cause(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="it holds no files"):
        copied(tmp_path, tmp_path, "a.jpg")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("../secret.jpg", "photo: outside the folder"),
        ("/etc/passwd", "photo: outside the folder"),
        ("link.jpg", "photo: outside the folder"),
        ("broken.jpg", "photo: is a link to a file that does not exist"),
        ("gone\\a.jpg", "photo: not in the folder"),
        ("gone.jpg", "photo: not in the folder"),
        ("./.", "photo: not in the folder"),
        ("a" * 5000, "photo: cannot be read"),
        ("a\0b", "photo: cannot be read"),
    ],
)
def test_a_photo_that_cannot_be_used_is_noted(
    folder: Path, tmp_path: Path, name: str, reason: str
) -> None:
    (tmp_path / "secret.jpg").write_bytes(made_photo("secret"))
    (folder / "link.jpg").symlink_to(tmp_path / "secret.jpg")
    (folder / "broken.jpg").symlink_to(tmp_path / "gone.jpg")
    photos, collected = copied(folder, tmp_path, "ok.jpg", name)
    assert photos == {"0": _OK}
    assert [note.reason for note in collected.noted] == [reason]
    assert len(collected.noted[0].detail) <= 200


def test_photos_in_the_cells_themselves_need_no_folder(tmp_path: Path) -> None:
    cells = [
        _JPEG,
        {"bytes": _JPEG + b"2", "path": "../x.jpg"},
        [{"bytes": _JPEG}, {"bytes": b"x"}],
    ]
    photos, collected = copied(None, tmp_path, *cells)
    assert photos == {"0": _JPEG, "1": _JPEG + b"2", "2": _JPEG}
    assert collected.said[0].startswith("photos named: 3 = 3 found + 0 missing + 0 broken; sev")


def test_a_file_too_large_is_not_read(folder: Path, tmp_path: Path) -> None:
    with (folder / "large.jpg").open("wb") as file:
        file.truncate(64_000_001)
    photos, collected = copied(folder, tmp_path, "ok.jpg", "large.jpg")
    assert set(photos) == {"0"} and "1 found + 0 missing + 1 broken" in collected.said[0]
    assert collected.noted[0].reason == "photo: the file is larger than 64 MB"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (_OK[:-40], "photo: broken or truncated"),
        (b"", "photo: not an image of an allowed type"),
        (b"<html>gone</html>", "photo: not an image of an allowed type"),
    ],
)
def test_a_broken_photo_is_counted_and_not_kept(
    folder: Path, tmp_path: Path, content: bytes, reason: str
) -> None:
    (folder / "bad.jpg").write_bytes(content)
    photos, collected = copied(folder, tmp_path, "ok.jpg", "bad.jpg", "gone.jpg")
    assert photos == {"0": _OK}
    assert [(note.id, note.reason) for note in collected.noted] == [
        ("1", reason), ("2", "photo: not in the folder"),
    ]  # fmt: skip
    assert collected.said == ["photos named: 3 = 1 found + 1 missing + 1 broken"]
    with pytest.raises(UserError, match=f"none of the 1 photos .* is there and whole .*{reason}"):
        copied(folder, tmp_path, "bad.jpg")


def test_contacts_in_names_are_not_kept(folder: Path, tmp_path: Path) -> None:
    phone = "8 916 123 45 67"
    _, collected = copied(folder, tmp_path, "ok.jpg", f"{phone}.jpg")
    assert "916 123" not in repr(collected)
    with pytest.raises(UserError) as error:
        copied(folder, tmp_path, f"{phone}.jpg")
    assert "916 123" not in str(error.value)
