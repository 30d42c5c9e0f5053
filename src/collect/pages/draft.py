"""A listing while it is put together from the parts of a page that describe it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from src.cleaning.prices import read_price
from src.collect.collected import Note
from src.collect.pages import fields
from src.collect.pages.page import FRAGMENT, PageListing, RejectedItem

_FILLED = ("title", "text", "price", "photos", "seller", "listed")
_UNREADABLE = {
    "title": "title cannot be read",
    "price": "price cannot be read",
    "photos": "photo URL cannot be read",
    "listed": "date cannot be read",
}
_EMPTY = ("", None, ())
_MAX_DETAIL = 200
_MAX_TITLE = 300


@dataclass
class Draft:
    """What one part of a page says about one listing; empty where it says nothing.

    Attributes:
        fragment: returns the part of the page that it was read from.
        categories: URLs or slugs that name the category if the search does not, best first.
        shown: by field, the value that the page has there.
    """

    id: str
    fragment: Callable[[], str]
    title: str = ""
    text: str = ""
    price: float | None = None
    photos: tuple[str, ...] = ()
    seller: str | None = None
    listed: str | None = None
    categories: list[str] = field(default_factory=list)
    shown: dict[str, str] = field(default_factory=dict)

    def set_title(self, value: object) -> None:
        """Set the title; one that is too long has swallowed text around it."""
        title = fields.one_line(value)
        if len(title) <= _MAX_TITLE:
            self.title = title
        else:
            self.shown["title"] = title

    def set_price(self, value: object) -> None:
        """Set the price; None means that none is shown."""
        if value is not None:
            self.price = read_price(value).value
            self.shown["price"] = fields.summary(value)

    def set_photos(self, page_url: str, links: Sequence[object]) -> None:
        """Set the photos from their links on a page."""
        urls = (fields.absolute_url(page_url, link) for link in links)
        self.photos = tuple(dict.fromkeys(url for url in urls if url))
        if links:
            self.shown["photos"] = fields.summary(links[0])

    def fill(self, other: Draft) -> None:
        """Take what this draft lacks from another draft of the listing."""
        for name in _FILLED:
            if getattr(self, name) in _EMPTY:
                setattr(self, name, getattr(other, name))
        self.categories += other.categories
        self.shown = other.shown | self.shown

    def missing(self) -> Iterator[Note]:
        """Yield a note for each field that could not be read, and for a missing title."""
        for name, shown in self.shown.items():
            if getattr(self, name) in _EMPTY:
                yield Note(self.id, _UNREADABLE[name], shown[:_MAX_DETAIL])
        if not self.title and "title" not in self.shown:
            yield Note(self.id, "no title")

    def finish(self, category: str | None) -> PageListing | RejectedItem:
        """Return the listing, or why it is not one; `category` is that of the search."""
        for shown in self.categories:
            category = category or fields.category_slug(shown) or fields.parse_slug(shown)
        if category is None:
            return self._rejected("no category in the URL")
        if not (self.title or self.text or self.photos):
            return self._rejected("neither title, text nor photo")
        return PageListing(
            self.id,
            self.title,
            self.text,
            self.price,
            category,
            self.photos,
            self.seller,
            self.listed,
        )

    def _rejected(self, reason: str) -> RejectedItem:
        return RejectedItem(self.id, reason, self.fragment()[:FRAGMENT])
