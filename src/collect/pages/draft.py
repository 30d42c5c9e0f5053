"""A listing while it is put together from the parts of a page that tell about it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from src.collect.found import Note
from src.collect.pages import fields
from src.collect.pages.page import FRAGMENT, Aside, PageListing

_FILLED = ("title", "text", "price", "photos", "seller", "listed")
_UNREAD = {
    "title": "title cannot be read",
    "price": "price cannot be read",
    "photos": "photo address cannot be read",
    "listed": "date cannot be read",
}
_EMPTY = ("", None, ())
_DETAIL = 200
_LONGEST_TITLE = 300


@dataclass
class Draft:
    """What one part of a page says of one listing; empty where it says nothing.

    `shown` keeps, by field, what stood in its place. `categories` tell the category when the search
    does not, best first: addresses or a slug. `raw` gives the fragment it was read from.
    """

    id: str
    raw: Callable[[], str]
    title: str = ""
    text: str = ""
    price: float | None = None
    photos: tuple[str, ...] = ()
    seller: str | None = None
    listed: str | None = None
    categories: list[str] = field(default_factory=list)
    shown: dict[str, str] = field(default_factory=dict)

    def set_title(self, shown: object) -> None:
        """Take a title; one that is longer than titles are is text around it."""
        title = fields.one_line(shown)
        if len(title) <= _LONGEST_TITLE:
            self.title = title
        else:
            self.shown["title"] = title

    def set_price(self, shown: object) -> None:
        """Take a price; None is no price told."""
        if shown is not None:
            self.price = fields.price(shown)
            self.shown["price"] = fields.told(shown)

    def set_photos(self, address: str, links: Sequence[object]) -> None:
        """Take the photos' links, found at `address`."""
        absolute = (fields.absolute(address, link) for link in links)
        self.photos = tuple(dict.fromkeys(link for link in absolute if link))
        if links:
            self.shown["photos"] = fields.told(links[0])

    def fill(self, other: Draft) -> None:
        """Take from another draft of the listing what this one lacks."""
        for name in _FILLED:
            if getattr(self, name) in _EMPTY:
                setattr(self, name, getattr(other, name))
        self.categories += other.categories
        self.shown = other.shown | self.shown

    def missing(self) -> Iterator[Note]:
        """What was there and could not be read, and a title that was not."""
        for name, shown in self.shown.items():
            if getattr(self, name) in _EMPTY:
                yield Note(self.id, _UNREAD[name], shown[:_DETAIL])
        if not self.title and "title" not in self.shown:
            yield Note(self.id, "no title")

    def finish(self, category: str | None) -> PageListing | Aside:
        """The listing, or why it is none; `category` is the search's."""
        for shown in self.categories:
            category = category or fields.category(shown) or fields.slug(shown)
        if category is None:
            return self._aside("no category in the address")
        if not (self.title or self.text or self.photos):
            return self._aside("neither title, text nor photo")
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

    def _aside(self, reason: str) -> Aside:
        return Aside(self.id, reason, self.raw()[:FRAGMENT])
