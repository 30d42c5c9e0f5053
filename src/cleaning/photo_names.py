"""What a cell says about a listing's photo: names as people write them, or the photo itself."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from src.cleaning.cells import is_missing, value_as_text, visible

# Other endings are part of the name: "flat.2" is not a file of the type "2".
_EXTENSIONS = frozenset(
    ("jpg", "jpeg", "jpe", "jfif", "png", "webp", "gif", "bmp")
    # Not decoded, but known as photos, so that the reason is told.
    + ("heic", "heif", "avif", "tif", "tiff")
)
_JPEG = frozenset({"jpeg", "jpe", "jfif"})
# Where a struct has its photo (as Hugging Face datasets write it) or the photo's name.
_CONTENT, _NAMES = "bytes", ("path", "file_name", "filename", "name", "src", "url")
_MAGIC = (b"\xff\xd8\xff", b"\x89PNG", b"RIFF", b"GIF8", b"BM")
_QUOTED = re.compile(r'"([^"]*)"|\'([^\']*)\'')
_SEPARATORS = ("\n", ";", "|", "\t", ",")
# Longer cells are no lists of names; more names than these are not tried.
_MAX_LENGTH, _MAX_NAMES = 20_000, 50
_MAX_DEPTH, _MAX_PATH = 64, 4_096


class PhotoCell(NamedTuple):
    """What a cell says.

    Attributes:
        names: the photos' names in their order; one may hold several, see `split_names`.
        content: the first photo itself, if the cell holds it.
        photos: how many photos the cell holds or names as a list.
    """

    names: tuple[str, ...] = ()
    content: bytes | None = None
    photos: int = 0

    def __bool__(self) -> bool:
        return self.photos > 0

    def __str__(self) -> str:
        return "; ".join(self.names) or f"<{len(self.content or b'')} bytes>"


def photo_cell(value: Any) -> PhotoCell:
    """Read a cell: a name, a list of names, bytes, or a struct or list of structs with them."""
    match value:
        case PhotoCell():
            return value
        case str():
            return _of_text(value)
        case bytes() | bytearray() | memoryview():
            return _of_bytes(bytes(value))
        case dict():
            return _of_struct(value)
        case list() | tuple() | np.ndarray():
            return _first([photo_cell(one) for one in value])
    return _of_text(value_as_text(value))


def split_names(text: str) -> tuple[str, ...]:
    """Return the names in a text that may hold several with separators between them."""
    if len(text) > _MAX_LENGTH:
        return (text,)
    names = next((text.split(by) for by in _SEPARATORS if by in text), [text])
    words = text.split()
    if len(names) == 1 and all(extension(word) for word in words):
        names = words
    return _named(names) or (text,)


def extension(name: str) -> str:
    """Return the type that a name ends in, "jpg" for all spellings of JPEG, or ''."""
    ending = name.rpartition(".")[2].lower() if "." in name else ""
    return "jpg" if ending in _JPEG else ending if ending in _EXTENSIONS else ""


def folders_and_name(name: str) -> list[str]:
    """Return the parts of a path or web address, whatever slashes it has; [] for no usable one."""
    name = name.replace("\\", "/")
    if is_web_address(name):
        name = re.split("[?#]", name, maxsplit=1)[0]
    name = re.sub("^file:(?=/)", "", name, flags=re.IGNORECASE)
    parts = [part for part in name.split("/") if part not in ("", ".")]
    return parts if len(parts) <= _MAX_DEPTH and len(name) <= _MAX_PATH else []


def is_web_address(name: str) -> bool:
    return bool(re.match(r"(?i)(?:https?:)?//[^/]", name))


def key(path: str) -> str:
    """Return what is equal for paths that differ only in case, spaces, type ending, Unicode form or
    characters that cannot be seen.
    """
    if extension(path):
        path = path.rpartition(".")[0]
    return unicodedata.normalize("NFC", visible(path).casefold())


def common_folders(cells: Iterable[PhotoCell]) -> list[str] | None:
    """Return the folders that all names begin with; None without a name."""
    common: list[str] | None = None
    for cell in cells:
        for name in cell.names[:1]:
            folders = folders_and_name(split_names(name)[0])[:-1]
            common = folders if common is None else shared(common, folders)
    return common


def shared(one: list[str], other: list[str]) -> list[str]:
    """Return the parts at the beginning that are equal in both."""
    equal = [a == b for a, b in zip(one, other, strict=False)]
    return one[: equal.index(False) if False in equal else len(equal)]


def _of_text(text: str) -> PhotoCell:
    text = _clean(text)
    if text[:1] + text[-1:] in ("[]", "{}") and len(text) <= _MAX_LENGTH:
        names = _named(_of_list(text))
    else:
        names = _named([text])
    return PhotoCell(names, None, len(names))


def _of_bytes(content: bytes) -> PhotoCell:
    if not content:
        return PhotoCell()
    # Some programs write the texts of a Parquet file as bytes.
    if not content.startswith(_MAGIC) and len(content) <= _MAX_LENGTH:
        try:
            return _of_text(content.decode("utf-8"))
        except UnicodeDecodeError:
            pass
    return PhotoCell((), content, 1)


def _of_struct(value: dict[Any, Any]) -> PhotoCell:
    texts = {
        name: one
        for name, one in value.items()
        if isinstance(one, str) and not is_missing(_clean(one))
    }
    path = next((texts[name] for name in _NAMES if name in texts), next(iter(texts.values()), ""))
    content = value.get(_CONTENT)
    if isinstance(content, bytes | bytearray) and content:
        return PhotoCell((path.strip(),) if path.strip() else (), bytes(content), 1)
    return _of_text(path)


def _first(cells: list[PhotoCell]) -> PhotoCell:
    """Return the photos of a list as one cell: its content is that of the first photo."""
    cells = [cell for cell in cells if cell]
    names = tuple(name for cell in cells for name in cell.names)[:_MAX_NAMES]
    content = cells[0].content if cells else None
    return PhotoCell(names, content, sum(cell.photos for cell in cells))


def _of_list(text: str) -> Iterable[str]:
    """Return the names in a list as JSON, Python, numpy or PostgreSQL write it."""
    try:
        return photo_cell(json.loads(text)).names
    except (ValueError, RecursionError):
        quoted = [one or other for one, other in _QUOTED.findall(text)]
        return quoted or text[1:-1].split(",")


def _named(names: Iterable[str]) -> tuple[str, ...]:
    cleaned = (_clean(name) for name in names)
    return tuple(name for name in cleaned if not is_missing(name))[:_MAX_NAMES]


def _clean(text: str) -> str:
    text = text.strip().strip("\ufeff")
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        text = text[1:-1].strip()
    return text
