"""Damaged photos are refused with a reason, whatever the decoder raises."""

from __future__ import annotations

import io
import random
import zlib
from contextlib import suppress
from functools import partial

import numpy as np
import pytest
from PIL import Image

from src.cleaning.picture import (
    BROKEN,
    NOT_AN_IMAGE,
    TOO_MANY_PIXELS,
    PhotoError,
    check_picture,
    decode,
    read_picture,
)

_PROGRESSIVE = {"progressive": True}


def _photos() -> list[bytes]:
    pixels = np.random.default_rng(0).integers(0, 256, (24, 32, 3), dtype=np.uint8)
    image = Image.fromarray(pixels)
    exif = Image.Exif()
    exif[0x0112] = 6
    photos = []
    for kind, mode in (("JPEG", "RGB"), ("JPEG", "CMYK"), ("PNG", "RGBA"), ("PNG", "P"),
                       ("WEBP", "RGB"), ("GIF", "P"), ("BMP", "1"), ("BMP", "P")):  # fmt: skip
        buffer = io.BytesIO()
        options = {"exif": exif} if kind in ("JPEG", "PNG", "WEBP") else {}
        image.convert(mode).save(buffer, kind, **options)
        photos.append(buffer.getvalue())
    return photos


def _damaged(photo: bytes, rng: random.Random) -> bytes:
    damaged = bytearray(photo)
    for _ in range(rng.randint(1, 6)):
        at = rng.randrange(min(len(damaged), rng.choice([300, 10**6])))
        damaged[at] = rng.choice([0, 1, 127, 255, rng.randrange(256)])
    if rng.random() < 0.2:
        del damaged[rng.randrange(len(damaged)) :]
    return _with_checksums(bytes(damaged))


def _with_checksums(photo: bytes) -> bytes:
    """Correct the checksums of a PNG, so that damage gets past them to the decoder."""
    if not photo.startswith(b"\x89PNG"):
        return photo
    fixed, at = photo[:8], 8
    while at + 12 <= len(photo):
        end = at + 8 + int.from_bytes(photo[at : at + 4], "big")
        if end + 4 > len(photo):
            break
        fixed += photo[at:end] + zlib.crc32(photo[at + 4 : end]).to_bytes(4, "big")
        at = end + 4
    return fixed + photo[at:]


@pytest.mark.filterwarnings("ignore")
def test_damaged_photos_are_decoded_or_refused_with_a_reason() -> None:
    photos, outcomes = _photos(), set()
    for number in range(3000):
        rng = random.Random(number)
        try:
            outcomes.add(decode(_damaged(rng.choice(photos), rng), 16).mode)
        except ValueError as error:
            outcomes.add(str(error))
    assert outcomes == {"RGB", BROKEN, NOT_AN_IMAGE, TOO_MANY_PIXELS}


@pytest.mark.parametrize("header", [b"MM\x7f*\0\0\0\x08", b"\0" * 8])
def test_exif_that_is_not_even_tiff_does_not_cost_the_photo(header: bytes) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (32, 32), "red").save(buffer, "JPEG", exif=b"Exif\0\0" + header)
    assert decode(buffer.getvalue(), 16).mode == "RGB"


def _jpeg(side: int = 48, **options: object) -> bytes:
    pixels = np.random.default_rng(1).integers(0, 256, (side // 8, side // 8, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    picture = Image.fromarray(pixels).resize((side, side), Image.Resampling.BICUBIC)
    picture.save(buffer, "JPEG", **options)
    return buffer.getvalue()


@pytest.mark.parametrize("options", [{}, _PROGRESSIVE, {"quality": 100}, {"optimize": True}])
@pytest.mark.parametrize("lost", [1, 2])
def test_a_jpeg_without_its_end_mark_is_whole(options: dict[str, object], lost: int) -> None:
    content = _jpeg(**options)
    assert content.endswith(b"\xff\xd9")
    assert read_picture(content[:-lost]).tobytes() == read_picture(content).tobytes()
    assert decode(content[:-lost], 16).tobytes() == decode(content, 16).tobytes()


@pytest.mark.parametrize(("options", "most"), [({}, 0), ({"quality": 100}, 0), (_PROGRESSIVE, 120)])
def test_a_jpeg_that_lacks_pixels_is_broken(options: dict[str, object], most: int) -> None:
    content = _jpeg(**options)
    whole = read_picture(content).tobytes()
    coarse = 0
    for length in range(len(content) // 4, len(content) - 2):
        with suppress(PhotoError):
            coarse += read_picture(content[:length]).tobytes() != whole
    # Cut between two of its scans, a progressive one has all pixels, though not all detail.
    assert coarse <= most


@pytest.mark.parametrize("options", [{}, {"quality": 100}, _PROGRESSIVE])
def test_the_check_says_what_decoding_at_any_size_says(options: dict[str, object]) -> None:
    content = _jpeg(**options)
    damaged = [content[:length] for length in range(len(content) - 120, len(content))]
    for n in range(150):
        at = n * len(content) // 150
        damaged.append(content[:at] + bytes([content[at] ^ 255]) + content[at + 1 :])
    verdicts = [_problems(one) for one in damaged]
    assert all(len(set(problems)) == 1 for problems in verdicts)
    assert {problems[0] == "" for problems in verdicts} == {True, False}


def _problems(content: bytes) -> list[str]:
    problems = []
    for read in (check_picture, read_picture, *(partial(decode, pixels=n) for n in (8, 16, 64))):
        try:
            read(content)
            problems.append("")
        except PhotoError as error:
            problems.append(str(error))
    return problems


@pytest.mark.parametrize("pixels", [0, -1])
def test_a_wrong_parameter_is_not_taken_for_a_broken_photo(pixels: int) -> None:
    with pytest.raises(ValueError, match="pixels wide") as error:
        decode(_jpeg(), pixels)
    assert not isinstance(error.value, PhotoError)


def test_a_machine_without_memory_does_not_make_a_photo_broken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def no_memory(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr(Image, "open", no_memory)
    with pytest.raises(MemoryError):
        read_picture(_jpeg())
