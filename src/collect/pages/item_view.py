"""The page of one listing, as desktop browsers get it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from src.collect.pages import fields
from src.collect.pages.dates import shown_date
from src.collect.pages.draft import Draft
from src.collect.pages.items import MarkupItem, widest
from src.collect.pages.page import RejectedItem

_MARKER = "item-view/"
# Parts by their marker, and by their `itemprop` in case a marker is renamed.
_TEXTS = {
    "item-view/title-info": "name",
    "item-view/item-description": "description",
    "item-view/item-id": "id",
    "item-view/item-date": "date",
    "item-view/item-price": "price",
}
_PHOTO, _PREVIEW = "image-frame/image-wrapper", "image-preview/item"
_SELLER = "seller-link/link"
_META = {"og:url": "url", "og:image:alt": "alt"}
_LINES = frozenset({"br", "p", "li", "div"})
_MAX_TEXT = 50_000


class ItemView:
    """Collects the listing's parts while a page is scanned."""

    def __init__(self) -> None:
        self.item = MarkupItem("", 0)
        self.previews: list[str] = []
        self.shared: list[str] = []
        self.crumbs: list[str] = []
        self._marked = False
        self._in_preview = 0
        # Each part that is being read, with the depth of its element.
        self._open: dict[str, int] = {}

    @property
    def found(self) -> bool:
        """Whether this is such a page: it has the parts, or its own address is a listing's."""
        return self._marked or fields.address_id(self.item.values.get("url")) is not None

    def start(self, tag: str, attributes: Mapping[str, str], depth: int) -> None:
        marker, kind = attributes.get("data-marker", ""), attributes.get("itemprop", "")
        values = self.item.values
        if marker.startswith(_MARKER):
            self._marked = True
            self.item.keep_start(tag, attributes)
        if part := _TEXTS.get(marker) or _named(tag, kind):
            if part not in values and "content" in attributes:
                values[part] = attributes["content"]
            elif part not in values:
                values[part] = ""
                self._open[part] = depth
        elif marker == _PHOTO and (url := attributes.get("data-url")):
            self.item.photos.setdefault(url, url)
        elif marker == _PREVIEW:
            self._in_preview = depth
        elif marker == _SELLER:
            values.setdefault("seller", attributes.get("href", ""))
        elif kind == "item" and tag == "a":
            self.crumbs.append(attributes.get("href", ""))
        if tag == "img" and self._in_preview:
            source = attributes.get("srcset", "")
            self.previews.append(widest(source) or attributes.get("src", ""))
        elif tag == "meta":
            self._meta(attributes.get("property", ""), attributes.get("content", ""))
        elif tag == "link" and attributes.get("rel") == "canonical":
            values.setdefault("url", attributes.get("href", ""))
        if tag in _LINES:
            self.data("\n")

    def data(self, text: str) -> None:
        for part in self._open:
            if len(self.item.values[part]) < _MAX_TEXT:
                self.item.values[part] += text[:_MAX_TEXT]

    def end(self, depth: int) -> None:
        """Handle the end of an element; `depth` is that of the element around it."""
        if self._open:
            self._open = {part: begun for part, begun in self._open.items() if begun <= depth}
        if depth < self._in_preview:
            self._in_preview = 0

    def _meta(self, name: str, content: str) -> None:
        if name == "og:image":
            self.shared.append(content)
        elif name in _META:
            self.item.values.setdefault(_META[name], content)


def item_view_draft(
    view: ItemView, url: str, now: datetime | None
) -> Iterator[Draft | RejectedItem]:
    """Yield the draft of the listing, or why there is none."""
    values = view.item.values
    addresses = (fields.address_id(link) for link in (values.get("url"), url))
    digits = "".join(filter(str.isdecimal, values.get("id", "")[:100]))
    listing_id = fields.parse_id(digits) or next(filter(None, addresses), None)
    if listing_id is None:
        yield RejectedItem("", "page of a listing without its id", view.item.fragment())
        return
    draft = Draft(listing_id, fragment=view.item.fragment)
    draft.set_title(fields.one_line(values.get("name")) or values.get("alt"))
    draft.text = fields.lines(values.get("description"))
    draft.set_price(values.get("price") or None)
    draft.set_photos(url, _photos(view))
    draft.seller = fields.seller_path(values.get("seller"))
    if now is not None and (shown := values.get("date", "").strip()):
        draft.listed = shown_date(shown, now)
        draft.shown["listed"] = fields.one_line(shown)
    # The last of its breadcrumbs is the narrowest category.
    draft.categories += [values.get("url", ""), *reversed(view.crumbs)]
    yield draft


def _named(tag: str, kind: str) -> str | None:
    # Breadcrumbs have names as well.
    if kind == "name":
        return kind if tag == "h1" else None
    return kind if kind in ("description", "price") else None


def _photos(view: ItemView) -> list[str]:
    """Return the photo that is shown large, and the others, of which there are only previews."""
    large = list(view.item.photos)
    return large[:1] + view.previews[len(large[:1]) :] or view.shared
