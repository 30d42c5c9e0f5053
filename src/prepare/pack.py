"""Decode every photo once into one array on disk, and note which could not be read."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
import pandas as pd
import pandera.pandas as pa
from numpy.typing import NDArray
from PIL import Image
from tqdm import tqdm

from src.cleaning.picture import PhotoError, decode, keep_pillow_quiet, read_photo
from src.core.cluster import on_ray, ray_session
from src.core.errors import UserError
from src.core.files import replacing
from src.core.listings import write_listings
from src.core.parallel import in_order

# Standard deviation of grey levels; a plainer photo has no perceptual hash.
MIN_CONTRAST = 3.0

INDEX = pa.DataFrameSchema(
    {
        "id": pa.Column(str, unique=True),
        # The row in photos.npy, shared by equal files; -1 without a readable photo.
        "row": pa.Column("int64", pa.Check.ge(-1)),
        "sha256": pa.Column(str, pa.Check.str_length(64, 64), nullable=True),
        # Perceptual hash, 64 bits in hex; missing for a plain photo, whose hash is noise.
        "phash": pa.Column(str, pa.Check.str_length(16, 16), nullable=True),
        # Why a photo cannot be used; missing if it was read or there is none.
        "problem": pa.Column(str, nullable=True),
    },
    strict=True,
    coerce=True,
)


class _Photo(NamedTuple):
    sha256: str | None = None
    phash: str | None = None
    pixels: NDArray[np.uint8] | None = None
    problem: str | None = None


def pack_photos(
    table: pd.DataFrame, photo_dir: Path, out_dir: Path, pixels: int, engine: str = "local"
) -> None:
    """Write `photos.npy` (uint8 [M, pixels, pixels, 3], RGB) and `index.parquet` to `out_dir`.

    `index.parquet` has one row per listing of `table` (schema INDEX). A photo that cannot be read
    is noted with its reason; its listing stays. Equal input gives equal bytes, in whatever order
    threads finish. Memory does not grow with the number of photos.

    Args:
        engine: local, or ray for a cluster whose machines all have `photo_dir`.

    Raises:
        UserError: listings have photos and `photo_dir` is not a folder, here or on a machine of the
            cluster.
    """
    photos = table["photo"].to_numpy(dtype=object)
    named = [path if isinstance(path, str) else None for path in photos]
    if any(named) and not photo_dir.is_dir():
        raise UserError(
            f"{photo_dir} does not exist, but listings name photos in it; run the collect stage "
            "again"
        )
    keep_pillow_quiet()
    first: dict[str, _Photo] = {}
    rows: dict[str, int] = {}
    found: list[tuple[int, _Photo]] = []
    read = partial(_read, photo_dir.absolute(), pixels, first)
    with replacing(out_dir) as beside:
        beside.mkdir()
        with (
            (beside / "photos.npy").open("wb") as file,
            ray_session() if engine == "ray" else nullcontext(),
        ):
            _write_header(file, 0, pixels)
            done = (
                on_ray(partial(_reader, read), named) if engine == "ray" else in_order(read, named)
            )
            for photo in tqdm(done, desc="photos", unit="photo", total=len(named), mininterval=1):
                if photo.pixels is not None and photo.sha256 not in rows:
                    rows[str(photo.sha256)] = len(rows)
                    file.write(photo.pixels.tobytes())
                photo = photo._replace(pixels=None)
                if photo.sha256 is not None:
                    first.setdefault(photo.sha256, photo)
                found.append((rows.get(photo.sha256 or "", -1), photo))
            file.seek(0)
            _write_header(file, len(rows), pixels)
        index = pd.DataFrame(
            {
                "id": table["id"].to_numpy(dtype=object),
                "row": np.array([row for row, _ in found], dtype=np.int64),
                "sha256": pd.array([photo.sha256 for _, photo in found], dtype="str"),
                "phash": pd.array([photo.phash for _, photo in found], dtype="str"),
                "problem": pd.array([photo.problem for _, photo in found], dtype="str"),
            }
        )
        write_listings(index, beside / "index.parquet", INDEX)
    _say_problems(index, sum(map(bool, named)))


def _say_problems(index: pd.DataFrame, named: int) -> None:
    """Print how many of the photos cannot be used, and why, with an example of each reason."""
    problems = index.dropna(subset="problem").groupby("problem")["id"].agg(["size", "first"])
    if len(problems):
        reasons = (f"{why}: {n} (e.g. of listing {one})" for why, n, one in problems.itertuples())
        print(f"photos that cannot be used: {problems['size'].sum()} of {named}; "
              f"{'; '.join(reasons)}")  # fmt: skip


def _reader(read: Callable[[str | None], _Photo]) -> Callable[[str | None], _Photo]:
    """Return what reads photos in a process of its own."""
    keep_pillow_quiet()
    return read


def _read(photo_dir: Path, pixels: int, first: dict[str, _Photo], path: str | None) -> _Photo:
    """Return a photo; of a file that is in `first`, by its SHA-256, without pixels."""
    if path is None:
        return _Photo()
    try:
        content = read_photo(photo_dir / path)
    except PhotoError as error:
        if not photo_dir.is_dir():
            raise UserError(
                f"{photo_dir} is not on {platform.node()}; with `engine: ray` every machine of the "
                "cluster needs it under the same path"
            ) from error
        return _Photo(problem=str(error))
    sha256 = hashlib.sha256(content).hexdigest()
    if sha256 in first:
        return first[sha256]
    try:
        image = decode(content, pixels)
    except PhotoError as error:
        return _Photo(sha256, problem=str(error))
    return _Photo(sha256, _phash(image), np.asarray(image))


def _phash(image: Image.Image) -> str | None:
    """Return the perceptual hash in hex (Zauner 2010: signs of a 32 x 32 DCT), or None."""
    # Imported late: it imports scipy.
    import imagehash

    grey = image.convert("L").resize((32, 32), Image.Resampling.LANCZOS)
    return None if np.asarray(grey).std() < MIN_CONTRAST else str(imagehash.phash(grey))


def _write_header(file: BinaryIO, rows: int, pixels: int) -> None:
    # numpy pads the header, so it can be rewritten in place with another number of rows.
    described = {"descr": "|u1", "fortran_order": False, "shape": (rows, pixels, pixels, 3)}
    np.lib.format.write_array_header_1_0(file, described)
