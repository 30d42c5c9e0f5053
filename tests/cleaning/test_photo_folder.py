"""Photos are found under every spelling that leaves no doubt, and nothing outside the folder is."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from src.cleaning import photo_folder
from src.cleaning.photo_folder import PhotoFolder
from src.cleaning.photo_names import photo_cell
from src.cleaning.picture import PhotoError
from src.core.errors import UserError

NOT_FOUND = "not in the folder"
OUTSIDE = "outside the folder"
SEVERAL_FIT = "name fits several files in the folder"
WEB_ADDRESS = "is a web address, not a file in the folder"
CANNOT_READ = "cannot be read"
_FILES = [
    "a.jpg", "b.JPG", "flat.2.png", "bare", "my chair.webp", "same.jpg", "same.PNG", "50%.jpg",
    unicodedata.normalize("NFD", "йод.jpg"), "Стул.jpg", "17.jpg", "c;d.jpg", "[1].jpg", "x.jpeg",
    "train/e0f1.jpg", "train/one/1.jpg", "train/two/1.jpg", "shop/s1/2.jpg", ".hidden.jpg",
    "__MACOSX/z.jpg", "train/bare.png.jpg", "y.png", "train/y.jpg", "case/q.jpg", "case/Q.jpg",
]  # fmt: skip


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("photos") / "own" / "images"
    for name in _FILES:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(name.encode())
    (root.parent / "secret.jpg").write_bytes(b"secret")
    (root / "link.jpg").symlink_to(root.parent / "secret.jpg")
    (root / "way_out").symlink_to(root.parent)
    (root / "loop").symlink_to(root)
    return root


@pytest.fixture
def folder(root: Path) -> Iterator[PhotoFolder]:
    with PhotoFolder(root) as folder:
        yield folder


@pytest.mark.parametrize(
    ("cell", "name"),
    [
        ("a.jpg", "a.jpg"), (" a.jpg ", "a.jpg"), ("./a.jpg", "a.jpg"), ("a", "a.jpg"),
        ("A.JPG", "a.jpg"), ("b.jpg", "b.JPG"), ("a.jpeg", "a.jpg"), ("x.jpg", "x.jpeg"),
        ("images/a.jpg", "a.jpg"), ("own\\Images/A.jpg", "a.jpg"), ("/images/a.jpg", "a.jpg"),
        ("bare.PNG.jpg", "train/bare.png.jpg"), ("images\\train\\e0f1", "train/e0f1.jpg"),
        ("../images/a.jpg", "a.jpg"), ("train\\e0f1.jpg", "train/e0f1.jpg"),
        ("e0f1", "train/e0f1.jpg"), ("E0F1.jpg", "train/e0f1.jpg"), ("s1/2.jpg", "shop/s1/2.jpg"),
        ("flat.2", "flat.2.png"), ("bare", "bare"), ("bare.jpg", "bare"),
        ("my%20chair.webp", "my chair.webp"), ("50%.jpg", "50%.jpg"),
        (unicodedata.normalize("NFC", "йод.jpg"), unicodedata.normalize("NFD", "йод.jpg")),
        (unicodedata.normalize("NFD", "йод"), unicodedata.normalize("NFD", "йод.jpg")),
        ("стул", "Стул.jpg"), ("\ufeffa.jpg", "a.jpg"), ("a\u200b.jpg", "a.jpg"),
        ("a\u202a.jpg", "a.jpg"), ("a\ufe0f.jpg", "a.jpg"), ("my  chair.webp", "my chair.webp"),
        (17, "17.jpg"), (17.0, "17.jpg"), ("17.0", "17.jpg"), ("c;d.jpg", "c;d.jpg"),
        ("[1].jpg", "[1].jpg"), ("same.png", "same.PNG"), ("Y.jpg", "train/y.jpg"),
        ({"bytes": None, "path": "images/a.jpg"}, "a.jpg"),
    ],
)  # fmt: skip
def test_found_without_doubt(folder: PhotoFolder, root: Path, cell: Any, name: str) -> None:
    found = folder.find(photo_cell(cell))
    assert found.path == root / name and not found.problem and not found.several
    same = (name, f"./{name}", f"../images/{name}")
    assert found.as_named == (str(cell).strip("\ufeff ") in same)


@pytest.mark.parametrize(
    ("cell", "name"),
    [
        ("a.jpg;b.jpg", "a.jpg"), ("b, a", "b.JPG"), ('["images/a.jpg", "b.jpg"]', "a.jpg"),
        ("gone.jpg|a.jpg", "a.jpg"), (["a.jpg", "b.jpg"], "a.jpg"),
    ],
)  # fmt: skip
def test_the_first_of_several(folder: PhotoFolder, root: Path, cell: Any, name: str) -> None:
    found = folder.find(photo_cell(cell))
    assert found.path == root / name and found.several


@pytest.mark.parametrize(
    ("cell", "problem"),
    [
        ("gone.jpg", NOT_FOUND), ("./.", NOT_FOUND), ("train", NOT_FOUND), ("a.png", NOT_FOUND),
        ("other/a.jpg", NOT_FOUND), ("s1/images/a.jpg", NOT_FOUND), ("a.jpg/b.jpg", NOT_FOUND),
        ("z.jpg", NOT_FOUND),
        ("hidden.jpg", NOT_FOUND), ("gone.jpg;lost.jpg", NOT_FOUND),
        ("same", SEVERAL_FIT), ("1.jpg", SEVERAL_FIT), ("case/q.JPG", SEVERAL_FIT),
        ("../secret.jpg", OUTSIDE), ("/etc/passwd", OUTSIDE), ("link.jpg", OUTSIDE),
        ("way_out/secret.jpg", OUTSIDE), ("LINK", OUTSIDE), ("..\\secret.jpg", NOT_FOUND),
        ("%2e%2e/secret.jpg", NOT_FOUND), ("secret.jpg", NOT_FOUND),
        ("%2e%2e%2fsecret.jpg", NOT_FOUND), ("%2Fetc%2Fpasswd", NOT_FOUND),
        ("..%5csecret.jpg", NOT_FOUND), ("way_out%2Fsecret.jpg", NOT_FOUND),
        ("link%2Ejpg", OUTSIDE), ("%6Cink", OUTSIDE), ("a.jpg%00", NOT_FOUND),
        ("file:///etc/passwd", NOT_FOUND), ("file:/etc/passwd", NOT_FOUND),
        ("file://../../secret.jpg", OUTSIDE), ("file:///%2e%2e/secret.jpg", NOT_FOUND),
        ("FILE://localhost/etc/passwd", NOT_FOUND),
        ("a\0b", CANNOT_READ), ("a" * 5000, CANNOT_READ), ("a/" * 10_000, CANNOT_READ),
        ("https://x.y/a.jpg", WEB_ADDRESS), ("//x.y/a.jpg?b=1", WEB_ADDRESS),
    ],
)  # fmt: skip
def test_not_found(folder: PhotoFolder, cell: str, problem: str) -> None:
    found = folder.find(photo_cell(cell))
    assert (found.path, found.problem) == (None, problem)


def test_folders_in_front_of_all_names(folder: PhotoFolder, root: Path) -> None:
    cells = [photo_cell(f"https://x.y/i/{name}") for name in ("a.jpg", "b.jpg?w=640")]
    folder.learn(cells)
    assert [folder.find(cell).path for cell in cells] == [root / "a.jpg", root / "b.JPG"]
    folder.learn([photo_cell("https://other.y/i/a.jpg")])
    assert folder.find(cells[0]).problem == WEB_ADDRESS


def test_paths_of_another_machine(folder: PhotoFolder, root: Path) -> None:
    cells = [photo_cell(f"C:\\shop\\photos\\{name}") for name in ("A.jpg", "train\\e0f1.jpg")]
    folder.learn(cells)
    assert [folder.find(cell).path for cell in cells] == [root / "a.jpg", root / "train/e0f1.jpg"]


def test_addresses_of_files_are_looked_up_in_the_folder_only(
    folder: PhotoFolder, root: Path
) -> None:
    names = [f"{root}/a.jpg", f"{root}/my%20chair.webp", f"{root.parent}/secret.jpg"]
    cells = [photo_cell(f"file://{name}") for name in names]
    folder.learn(cells)
    assert [folder.find(cell).path for cell in cells] == [
        root / "a.jpg",
        root / "my chair.webp",
        None,
    ]


def test_names_of_different_folders_are_not_taken_for_one_photo(tmp_path: Path) -> None:
    (tmp_path / "1.jpg").touch()
    for between in ("", f"/{tmp_path.name}"):
        cells = [photo_cell(f"s1{between}/1.jpg"), photo_cell(f"s2{between}/1.jpg")]
        with PhotoFolder(tmp_path) as folder:
            folder.learn(cells)
            assert [folder.find(cell).problem for cell in cells] == [NOT_FOUND] * 2


def test_photos_of_one_name_are_told_apart_by_their_folders(tmp_path: Path) -> None:
    for number in range(121):
        for name in ("main.jpg", "one/main.jpg", "cover.png"):
            (tmp_path / "images" / f"{number}" / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "images" / f"{number}" / name).touch()
    (tmp_path / "images" / "60" / "cover.jpg").touch()
    (tmp_path / "other" / "images" / "7").mkdir(parents=True)
    (tmp_path / "other" / "images" / "7" / "main.jpg").touch()
    with PhotoFolder(tmp_path) as folder:
        found = [folder.find(photo_cell(f"{number}/main.jpg")) for number in range(121)]
        paths = [tmp_path / "images" / f"{number}" / "main.jpg" for number in range(121)]
        assert found[7].problem == SEVERAL_FIT
        assert [one.path for one in found[:7] + found[8:]] == paths[:7] + paths[8:]
        # The only one of its type among many of its name.
        assert folder.find(photo_cell("cover.jpg")).path == tmp_path / "images/60/cover.jpg"
        assert folder.find(photo_cell("60/cover")).problem == SEVERAL_FIT
        # Part of a folder's name is no folder.
        assert folder.find(photo_cell("mages/8/main.jpg")).problem == NOT_FOUND


def test_the_folder_is_listed_once_and_only_if_needed(root: Path) -> None:
    with patch.object(photo_folder, "_paths_below", wraps=photo_folder._paths_below) as listing:
        with PhotoFolder(root) as folder:
            folder.find(photo_cell("a.jpg"))
            assert listing.call_count == 0
            for number in range(20):
                folder.find(photo_cell(f"gone{number}"))
        assert listing.call_count == 1


def test_a_folder_of_too_many_files_is_refused(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(photo_folder, "MAX_FILES", 5)
    with PhotoFolder(root) as folder, pytest.raises(UserError, match="holds more than 5 files"):
        folder.find(photo_cell("gone"))


def test_a_file_whose_name_is_no_text(tmp_path: Path) -> None:
    try:
        (tmp_path / os.fsdecode(b"\xff\xfe.jpg")).touch()
    except (OSError, ValueError):
        pytest.skip("this file system has no such names")
    (tmp_path / "a.jpg").touch()
    with PhotoFolder(tmp_path) as folder:
        assert folder.find(photo_cell("A")).path == tmp_path / "a.jpg"
        assert folder.files() == (2, "a.jpg")


def test_reading(folder: PhotoFolder) -> None:
    assert folder.read("A") == b"a.jpg"
    assert folder.read({"bytes": b"\xff\xd8\xffx", "path": "../secret.jpg"}) == b"\xff\xd8\xffx"
    with pytest.raises(PhotoError, match=r"^not in the folder$"):
        folder.read("gone")


_PIECES = ["..", "/", "\\", "images", "a", ".jpg", "%2e", "way_out", "loop", "secret", "link", ";",
           "\0", "\ud800", "й", "*", "'", ".", "C:", "file:", "//", "%2F",
           "%5c", "etc/passwd"]  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(_PIECES), max_size=8))
def test_no_cell_leads_out_of_the_folder(root: Path, parts: list[str]) -> None:
    cell = photo_cell("".join(parts))
    with PhotoFolder(root) as folder:
        folder.learn([cell])
        path = folder.find(cell).path
    if path is not None:
        assert path.is_relative_to(root) and path.read_bytes() != b"secret"
