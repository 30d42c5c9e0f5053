"""The parts of one listing's markup, before they are read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape

from src.collect.pages.fields import to_text
from src.collect.pages.page import FRAGMENT

# Of a `srcset`: 640w or 1.5x.
_SIZE = re.compile(r"(\d{1,5}(?:\.\d{1,3})?)[wx]")
_VOID = frozenset({"br", "hr", "img", "input", "link", "meta", "source", "wbr"})


@dataclass
class MarkupItem:
    """The parts of one item, the first of each kind.

    Attributes:
        depth: how deep in the page it begins.
        values: the text of its parts by name.
        photos: from a photo's URL to that of its largest size.
        links: all its links.
        raw: its beginning as HTML, about FRAGMENT characters.
    """

    id: str
    depth: int
    values: dict[str, str] = field(default_factory=dict)
    photos: dict[str, str] = field(default_factory=dict)
    links: list[str] = field(default_factory=list)
    raw: str = ""

    def keep_start(self, tag: str, attributes: Mapping[str, str]) -> None:
        """Add the start of an element to `raw`."""
        if len(self.raw) < FRAGMENT:
            written = "".join(
                f' {name}="{escape(value[:FRAGMENT])}"' for name, value in attributes.items()
            )
            self.raw += f"<{tag}{written}>"

    def keep_text(self, text: str) -> None:
        """Add text to `raw`."""
        if len(self.raw) < FRAGMENT:
            self.raw += escape(text[:FRAGMENT], quote=False)

    def keep_end(self, tag: str) -> None:
        """Add the end of an element to `raw`."""
        if len(self.raw) < FRAGMENT and tag not in _VOID:
            self.raw += f"</{tag}>"

    def fragment(self) -> str:
        """Return what is kept of an item that cannot be read."""
        return to_text(self.raw)[:FRAGMENT]


def widest(sources: str) -> str | None:
    """Return the URL of the widest image in a `srcset`."""
    best, most = None, 0.0
    for source in sources.split(","):
        url, _, size = source.strip().partition(" ")
        if (found := _SIZE.fullmatch(size.strip())) and float(found[1]) > most:
            best, most = url, float(found[1])
    return best
