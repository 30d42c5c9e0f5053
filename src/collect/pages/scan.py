"""One pass over a page's elements: the parts of its items, its data scripts, its signs.

A target for the parser instead of a tree: time and memory stay proportional to the page, whereas
the tree of one element with very many attributes takes minutes.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field

from lxml import etree

from src.collect.pages.addressed import AddressedItems
from src.collect.pages.item_view import ItemView
from src.collect.pages.items import MarkupItem, widest
from src.collect.pages.verdict import HEADINGS, Signs

INITIAL = ("__initialData__", "__preloadedState__")
_STATE = "data-mfe-state"
_SLIDER = "slider-image/image-"
_SELLER = "item-user-logo"
# Fifty items that lost all their end tags are about 2,500 deep.
_MAX_DEPTH = 3_000
_MAX_TEXT = 20_000


@dataclass
class _Reading:
    item: MarkupItem | None
    depth: int
    room: int
    parts: list[str] = field(default_factory=list)


class _TooDeepError(Exception):
    pass


class Scan:
    """What a page contains; `states` and `initial` are the texts of scripts that hold data.

    `items` are marked as items of a search, `addressed` are not marked, and `view` is the one
    listing of its own page.
    """

    def __init__(self) -> None:
        self.items: list[MarkupItem] = []
        self.addressed = AddressedItems()
        self.view = ItemView()
        self.states: list[str] = []
        self.initial: list[str] = []
        self.count: str | None = None
        self.signs = Signs()
        self.too_deep = False
        self._depth = 0
        self._inside: list[MarkupItem] = []
        self._readings: dict[str, _Reading] = {}

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        """Handle the start of an element."""
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise _TooDeepError
        self.signs.add_element(attributes)
        marker = attributes.get("data-marker", "")
        if marker == "item":
            # If an end tag is lost, this item is inside the one before, whose text ends here.
            if self._inside:
                self._finish(self._inside[-1].depth)
            self._inside.append(MarkupItem(attributes.get("data-item-id", ""), self._depth))
            self.items.append(self._inside[-1])
        if tag == "script":
            self._begin("state" if _STATE in attributes else "script", None, sys.maxsize)
        elif tag in HEADINGS:
            self._begin("heading", None)
        elif marker == "page-title/count":
            self._begin("count", None)
        if self._inside:
            self._inside[-1].keep_start(tag, attributes)
            self._part(self._inside[-1], tag, marker, attributes)
        else:
            self.view.start(tag, attributes, self._depth)
            self.addressed.start(tag, attributes, self._depth)

    def data(self, text: str) -> None:
        """Handle text, or a piece of it."""
        for reading in self._readings.values():
            if reading.room > 0:
                reading.parts.append(text[: reading.room])
                reading.room -= len(text)
        if self._inside:
            self._inside[-1].keep_text(text)
        else:
            self.view.data(text)
            self.addressed.data(text)

    def end(self, tag: str) -> None:
        """Handle the end of an element."""
        self._depth -= 1
        if self._readings:
            self._finish(self._depth)
        self.view.end(self._depth)
        self.addressed.end(tag, self._depth)
        if self._inside:
            self._inside[-1].keep_end(tag)
        while self._inside and self._inside[-1].depth > self._depth:
            self._inside.pop()

    def close(self) -> None:
        """Handle the end of the page."""
        self._finish(0)

    def _part(self, item: MarkupItem, tag: str, marker: str, attributes: Mapping[str, str]) -> None:
        match attributes.get("itemprop"):
            case "name" | "description" | "price" as kind if kind not in item.values:
                if "content" in attributes:
                    item.values[kind] = attributes["content"]
                else:
                    self._begin(kind, item)
            case "url":
                item.values.setdefault("url", attributes.get("href", ""))
            case "image":
                url = attributes.get("src") or attributes.get("data-src", "")
                item.photos[url] = widest(attributes.get("srcset", "")) or url
        if marker == "item-date":
            self._begin("date", item)
        elif marker.startswith(_SLIDER):
            url = marker.removeprefix(_SLIDER)
            item.photos.setdefault(url, url)
        if tag == "a" and (link := attributes.get("href")):
            item.links.append(link)
            if marker.startswith(_SELLER):
                item.values.setdefault("seller", link)

    def _begin(self, kind: str, item: MarkupItem | None, room: int = _MAX_TEXT) -> None:
        if kind not in self._readings:
            self._readings[kind] = _Reading(item, self._depth, room)

    def _finish(self, depth: int) -> None:
        """Finish reading the texts of elements deeper than `depth`."""
        for kind in [kind for kind, reading in self._readings.items() if reading.depth > depth]:
            reading = self._readings.pop(kind)
            text = "".join(reading.parts)
            if reading.item is not None:
                reading.item.values.setdefault(kind, text)
            elif kind == "heading":
                self.signs.add_heading(text)
            elif kind == "count":
                self.count = self.count or text
            elif kind == "state":
                self.states.append(text)
            elif any(name in text for name in INITIAL):
                self.initial.append(text)


def scan_page(text: str) -> Scan:
    """Scan a page. The scan ends at elements nested deeper than damage could explain."""
    target = Scan()
    # The type stubs only know targets that take bytes as well.
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
