"""The encoding of a text file, decided over the whole of it."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from io import TextIOWrapper
from pathlib import Path
from typing import NamedTuple, TextIO

from src.cleaning.tables.contents import open_bytes
from src.cleaning.tables.letters import CodecGuess, guess_codec
from src.core.errors import UserError

# Stands for bytes that cannot be decoded: no valid text holds it.
MARK = "\udcff"
_BLOCK = 1 << 20
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    # Before UTF-16, whose mark is the beginning of this one.
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# So many bytes of lines that are not ASCII are enough to guess an encoding.
_SAMPLE = 1 << 16
_ESCAPED = re.compile("[\udc80-\udcff]")


class Encoding(NamedTuple):
    """A codec of Python.

    Attributes:
        damaged: some bytes of the file are not in it.
        example: what is read with it, if it was guessed.
    """

    name: str
    damaged: bool = False
    example: str = ""

    @property
    def words(self) -> str:
        """The encoding in words."""
        guessed = f" as its letters suggest (e.g. {self.example!r})" if self.example else ""
        return self.title + guessed + (" (some bytes are invalid)" if self.damaged else "")

    @property
    def title(self) -> str:
        """The name as people write it, e.g. UTF-8."""
        return self.name.upper().replace("_", "-")


def _mark(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return MARK, error.end


codecs.register_error("mark", _mark)


def detect_encoding(path: Path) -> Encoding:
    """Return UTF-8 if most of the file is, else what a byte order mark or the letters tell.

    Raises:
        UserError: the file is not text, or in none of the encodings that can be told apart.
    """
    with open_bytes(path) as file:
        head = file.read(_BLOCK)
    for bom, name in _BOMS:
        if head.startswith(bom):
            return Encoding(name, damaged=not _decodes(path, name))
    if wide := _wide(head):
        return Encoding(wide, damaged=not _decodes(path, wide))
    if _decodes(path, "utf-8"):
        return Encoding("utf-8")
    good, bad = _utf8_letters(path)
    if good > bad:
        return Encoding("utf-8", damaged=True)
    codec, example = _old_encoding(path)
    return Encoding(codec, damaged=not _decodes(path, codec), example=example)


def open_text(path: Path, encoding: Encoding) -> TextIO:
    """Open a file in its encoding; line ends stay as they are, and MARK is where bytes are bad."""
    name = "utf-8-sig" if encoding.name == "utf-8" else encoding.name
    return TextIOWrapper(open_bytes(path), encoding=name, errors="mark", newline="")


def _blocks(path: Path) -> Iterator[bytes]:
    with open_bytes(path) as file:
        while block := file.read(_BLOCK):
            yield block


def _decodes(path: Path, name: str) -> bool:
    decoder = codecs.getincrementaldecoder(name)()
    try:
        for block in _blocks(path):
            decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _wide(head: bytes) -> str:
    """Return the kind of UTF-16 without a byte order mark; '' if it is not.

    Separators, digits and line ends have a zero byte there, always on the same side.
    """
    zeros = {"utf-16-be": head[::2].count(0), "utf-16-le": head[1::2].count(0)}
    rare, common = sorted(zeros, key=lambda name: zeros[name])
    enough = zeros[common] > max(3, len(head) * 0.05) and zeros[common] > 20 * zeros[rare]
    return common if enough else ""


def _utf8_letters(path: Path) -> tuple[int, int]:
    """Return the number of letters other than ASCII, and of bytes that are not UTF-8."""
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    good = bad = 0
    for block in _blocks(path):
        text = decoder.decode(block)
        if not text.isascii():
            escaped = len(_ESCAPED.findall(text))
            bad += escaped
            good += len(text) - len(text.encode("ascii", "ignore")) - escaped
    return good, bad


def _old_encoding(path: Path) -> CodecGuess:
    sample = bytearray()
    with open_bytes(path) as file:
        for line in iter(lambda: file.readline(_SAMPLE), b""):
            if not line.isascii():
                sample += line
            if len(sample) > _SAMPLE:
                break
    if guess := guess_codec(bytes(sample)):
        return guess
    raise UserError(f"{path} is not text in a known encoding; save it as CSV UTF-8")
