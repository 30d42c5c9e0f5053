"""One pass over a page's elements: the parts of its items, its data scripts, its signs.

A parser's target, not a tree: time and memory stay in proportion to the page, where the tree of
one element with very many attributes takes minutes.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape

from lxml import etree

from src.collect.pages.page import FRAGMENT
from src.collect.pages.verdict import HEADINGS, Signs

INITIAL = "__initialData__"
_STATE = "data-mfe-state"
_SLIDER = "slider-image/image-"
_SELLER = "item-user-logo"
_VOID = frozenset({"br", "hr", "img", "input", "link", "meta", "source", "wbr"})
# Fifty items that lost all their end tags are some 2,500 deep.
_DEEPEST = 3_000
_LONGEST = 20_000


@dataclass
class Item:
    """The parts of one item, the first of each kind; `photos` lead from a size to the best one."""

    number: str
    depth: int
    told: dict[str, str] = field(default_factory=dict)
    photos: dict[str, str] = field(default_factory=dict)
    links: list[str] = field(default_factory=list)
    raw: str = ""


@dataclass
class _Reading:
    item: Item | None
    depth: int
    room: int
    parts: list[str] = field(default_factory=list)


class _TooDeepError(Exception):
    pass


class Scan:
    """What was found; `states` and `initial` are the texts of scripts that hold data."""

    def __init__(self) -> None:
        self.items: list[Item] = []
        self.states: list[str] = []
        self.initial: list[str] = []
        self.count: str | None = None
        self.signs = Signs()
        self.too_deep = False
        self._depth = 0
        self._inside: list[Item] = []
        self._readings: dict[str, _Reading] = {}

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        """An element begins."""
        self._depth += 1
        if self._depth > _DEEPEST:
            raise _TooDeepError
        self.signs.see(attributes)
        marker = attributes.get("data-marker", "")
        if marker == "item":
            # A lost end tag puts this item inside the one before, whose text ends here.
            if self._inside:
                self._finish(self._inside[-1].depth)
            self._inside.append(Item(attributes.get("data-item-id", ""), self._depth))
            self.items.append(self._inside[-1])
        if tag == "script":
            self._read("state" if _STATE in attributes else "script", None, sys.maxsize)
        elif tag in HEADINGS:
            self._read("heading", None)
        elif marker == "page-title/count":
            self._read("count", None)
        if self._inside:
            self._keep(tag, attributes)
            self._part(self._inside[-1], tag, marker, attributes)

    def data(self, text: str) -> None:
        """Text, or a piece of it."""
        for reading in self._readings.values():
            if reading.room > 0:
                reading.parts.append(text[: reading.room])
                reading.room -= len(text)
        if self._inside and len(self._inside[-1].raw) < FRAGMENT:
            self._inside[-1].raw += escape(text[:FRAGMENT], quote=False)

    def end(self, tag: str) -> None:
        """An element ends."""
        self._depth -= 1
        if self._readings:
            self._finish(self._depth)
        if self._inside and len(self._inside[-1].raw) < FRAGMENT and tag not in _VOID:
            self._inside[-1].raw += f"</{tag}>"
        while self._inside and self._inside[-1].depth > self._depth:
            self._inside.pop()

    def close(self) -> None:
        """The page ends."""
        self._finish(0)

    def _keep(self, tag: str, attributes: Mapping[str, str]) -> None:
        item = self._inside[-1]
        if len(item.raw) < FRAGMENT:
            written = "".join(
                f' {name}="{escape(value[:FRAGMENT])}"' for name, value in attributes.items()
            )
            item.raw += f"<{tag}{written}>"

    def _part(self, item: Item, tag: str, marker: str, attributes: Mapping[str, str]) -> None:
        match attributes.get("itemprop"):
            case "name" | "description" | "price" as kind if kind not in item.told:
                if "content" in attributes:
                    item.told[kind] = attributes["content"]
                else:
                    self._read(kind, item)
            case "url":
                item.told.setdefault("url", attributes.get("href", ""))
            case "image":
                address = attributes.get("src") or attributes.get("data-src", "")
                item.photos[address] = _widest(attributes.get("srcset", "")) or address
        if marker == "item-date":
            self._read("date", item)
        elif marker.startswith(_SLIDER):
            address = marker.removeprefix(_SLIDER)
            item.photos.setdefault(address, address)
        if tag == "a" and (link := attributes.get("href")):
            item.links.append(link)
            if marker.startswith(_SELLER):
                item.told.setdefault("seller", link)

    def _read(self, kind: str, item: Item | None, room: int = _LONGEST) -> None:
        if kind not in self._readings:
            self._readings[kind] = _Reading(item, self._depth, room)

    def _finish(self, depth: int) -> None:
        """End the readings of elements deeper than `depth`."""
        for kind in [kind for kind, reading in self._readings.items() if reading.depth > depth]:
            reading = self._readings.pop(kind)
            text = "".join(reading.parts)
            if reading.item is not None:
                reading.item.told.setdefault(kind, text)
            elif kind == "heading":
                self.signs.hear(text)
            elif kind == "count":
                self.count = self.count or text
            elif kind == "state":
                self.states.append(text)
            elif INITIAL in text:
                self.initial.append(text)


def scan(text: str) -> Scan:
    """Scan a page. Elements nested deeper than damage explains end the scan there."""
    target = Scan()
    # The type stubs know only targets that take bytes as well.
    parser = etree.HTMLParser(encoding="utf-8", huge_tree=True, target=target)  # type: ignore[arg-type]
    try:
        parser.feed(text.replace("\0", "\ufffd").encode("utf-8", "replace"))
        parser.close()
    except _TooDeepError:
        target.too_deep = True
    except etree.LxmlError:
        pass
    target.close()
    return target


def _widest(sources: str) -> str | None:
    """The address of the widest image in a `srcset`."""
    best, widest = None, 0
    for source in sources.split(","):
        address, _, size = source.strip().partition(" ")
        number = size.strip()[:-1]
        if number.isdecimal() and len(number) < 6 and int(number) > widest:
            best, widest = address, int(number)
    return best
