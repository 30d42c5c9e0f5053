"""Every photo is decoded once, and one that cannot be read costs no listing."""

from __future__ import annotations

import io
import random
import struct
import time
import zlib
from collections.abc import Mapping
from pathlib import Path

import imagehash
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from src.cleaning.picture import BROKEN, MISSING, NOT_AN_IMAGE, TOO_MANY_PIXELS, decode
from src.core.errors import UserError
from src.core.listings import read_listings
from src.prepare import pack
from src.prepare.pack import INDEX, pack_photos


def _picture(seed: int = 0, size: tuple[int, int] = (160, 120)) -> Image.Image:
    pixels = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    return Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC)


def _bytes(image: Image.Image, kind: str = "JPEG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def _bomb(side: int) -> bytes:
    """Return a small PNG that claims to have side x side pixels."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        crc = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + crc

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def _pack(folder: Path, files: Mapping[str, bytes | None], pixels: int = 32) -> Path:
    """Pack one listing per file; None is a listing without a photo."""
    where = folder / "photos"
    where.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        if content is not None:
            (where / name).write_bytes(content)
    named = [None if content is None else name for name, content in files.items()]
    table = pd.DataFrame({"id": list(files), "photo": pd.array(named, dtype="str")})
    table["id"] = table["id"].str.replace(".", "_")
    pack_photos(table, where, folder / "packed", pixels)
    return folder / "packed"


def test_each_problem_is_named_and_no_listing_lost(tmp_path: Path) -> None:
    good = _bytes(_picture())
    files = {
        "good.jpg": good,
        "same.jpg": good,
        "other.png": _bytes(_picture(1), "PNG"),
        "none": None,
        "half.jpg": good[: len(good) // 2],
        "html.jpg": b"<!doctype html><title>404</title>",
        "empty.jpg": b"",
        "noise.jpg": random.Random(0).randbytes(3000),
        "bomb.png": _bomb(60_000),
        "large.png": _bomb(9_000),
        "page.pdf": _bytes(_picture(), "PDF"),
        "plain.jpg": _bytes(Image.new("RGB", (64, 64), "grey")),
    }
    packed = _pack(tmp_path, files)
    index = read_listings(packed / "index.parquet", INDEX).set_index("id")
    pixels = np.load(packed / "photos.npy", mmap_mode="r")
    assert index.index.tolist() == [name.replace(".", "_") for name in files]
    problems = index["problem"].dropna().to_dict()
    assert problems == {
        "half_jpg": BROKEN,
        "html_jpg": NOT_AN_IMAGE,
        "empty_jpg": NOT_AN_IMAGE,
        "noise_jpg": NOT_AN_IMAGE,
        "bomb_png": TOO_MANY_PIXELS,
        "large_png": TOO_MANY_PIXELS,
        "page_pdf": NOT_AN_IMAGE,
    }
    rows = index["row"]
    assert rows["good_jpg"] == rows["same_jpg"] == 0
    assert (rows["other_png"], rows["plain_jpg"], rows["none"]) == (1, 2, -1)
    assert (rows[index["problem"].notna()] == -1).all()
    assert pixels.shape == (3, 32, 32, 3) and pixels.dtype == np.uint8
    assert (pixels[0] == np.asarray(decode(good, 32))).all()
    assert index["phash"]["good_jpg"] == str(imagehash.phash(decode(good, 32)))
    assert pd.isna(index["phash"]["plain_jpg"])
    assert index["sha256"].isna().to_dict()["none"]


def test_problems_are_said_with_an_example_of_each(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = _bytes(_picture())
    files = {"good.jpg": good, "cut.jpg": good[:-2], "half.jpg": good[: len(good) // 2]}
    _pack(tmp_path / "a", files | {"none": None, "x.jpg": b"x", "y.jpg": b"y"})
    assert capsys.readouterr().out == (
        f"photos that cannot be used: 3 of 5; {BROKEN}: 1 (e.g. of listing half_jpg); "
        f"{NOT_AN_IMAGE}: 2 (e.g. of listing x_jpg)\n"
    )
    _pack(tmp_path / "b", {"good.jpg": good, "cut.jpg": good[:-2]})
    assert not capsys.readouterr().out


def test_a_missing_file_is_a_problem_and_a_missing_folder_an_error(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    table = pd.DataFrame({"id": ["a"], "photo": pd.array(["gone.jpg"], dtype="str")})
    pack_photos(table, tmp_path / "photos", tmp_path / "packed", 16)
    index = pd.read_parquet(tmp_path / "packed/index.parquet")
    assert index["problem"].tolist() == [MISSING]
    with pytest.raises(UserError, match="elsewhere does not exist"):
        pack_photos(table, tmp_path / "elsewhere", tmp_path / "packed", 16)
    assert (tmp_path / "packed/photos.npy").exists()


def test_no_photos_at_all(tmp_path: Path) -> None:
    packed = _pack(tmp_path, {"a": None, "b": None}, pixels=24)
    assert np.load(packed / "photos.npy", mmap_mode="r").shape == (0, 24, 24, 3)


def test_the_bytes_do_not_depend_on_the_threads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {f"{i}.jpg": _bytes(_picture(i % 30)) for i in range(60)}
    first = _pack(tmp_path, files)
    contents = [(first / name).read_bytes() for name in ("photos.npy", "index.parquet")]
    slow = pack._read

    def shaken(path: Path, *rest: object) -> object:
        time.sleep(random.random() / 100)
        return slow(path, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(pack, "_read", shaken)
    again = _pack(tmp_path, files)
    assert [(again / name).read_bytes() for name in ("photos.npy", "index.parquet")] == contents
    assert np.load(again / "photos.npy", mmap_mode="r").shape[0] == 30


def _near(a: Image.Image, b: Image.Image, most: float = 6.0) -> bool:
    return bool(np.abs(np.asarray(a, float) - np.asarray(b, float)).mean() < most)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(orientation: int) -> None:
    turns = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    upright = _picture(size=(640, 480))
    stored = upright.transpose(turns[orientation]) if orientation in turns else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    assert _near(decode(_bytes(stored, exif=exif), 64), decode(_bytes(upright), 64))


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
def test_broken_exif_does_not_cost_the_photo() -> None:
    content = _bytes(_picture(), exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff\x01\x12\0\x03junk")
    assert _near(decode(content, 32), decode(_bytes(_picture()), 32))


def test_every_mode_becomes_rgb() -> None:
    picture = _picture()
    expected = decode(_bytes(picture, "PNG"), 32)
    grey = decode(_bytes(picture.convert("L"), "PNG"), 32)
    assert _near(decode(_bytes(picture.convert("CMYK")), 32), expected, 8)
    assert _near(decode(_bytes(picture.quantize(256), "PNG"), 32), expected, 12)
    assert _near(decode(_bytes(picture.quantize(256), "GIF"), 32), expected, 12)
    assert _near(decode(_bytes(picture, "WEBP", quality=95), 32), expected, 8)
    assert _near(decode(_bytes(picture, "BMP"), 32), expected)
    deep = Image.fromarray(np.asarray(picture.convert("L")).astype(np.uint16) * 257)
    assert _near(decode(_bytes(deep, "PNG"), 32), grey)
    assert decode(_bytes(picture.convert("1"), "PNG"), 32).mode == "RGB"


def test_transparency_is_put_on_white() -> None:
    clear = Image.new("RGBA", (40, 40), (0, 0, 0, 0))
    assert decode(_bytes(clear, "PNG"), 16).getpixel((8, 8)) == (255, 255, 255)
    grey = Image.new("LA", (40, 40), (0, 0))
    assert decode(_bytes(grey, "PNG"), 16).getpixel((8, 8)) == (255, 255, 255)


def test_real_photos_are_read(shared_data: Path, tmp_path: Path) -> None:
    folder = shared_data / "gumtree/images"
    names = sorted(path.name for path in folder.iterdir())[:100]
    ids = [str(number) for number in range(len(names))]
    pack_photos(pd.DataFrame({"id": ids, "photo": names}), folder, tmp_path / "packed", 64)
    index = read_listings(tmp_path / "packed/index.parquet", INDEX)
    assert index["problem"].isna().all() and (index["row"] >= 0).all()
