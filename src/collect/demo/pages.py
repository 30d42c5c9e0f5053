"""The demo's search pages, in the site's long-lived markup and in its newer layout."""

from __future__ import annotations

import json
from hashlib import blake2b
from html import escape
from typing import Any, NamedTuple

from src.collect.demo.catalog import CATEGORIES, Category
from src.collect.demo.dates import in_words
from src.collect.demo.market import Facts, Market

PER_PAGE = 50
# What the newer layout names the sizes of one photo; the last is the one that the markup shows.
_SIZES = ("208x156", "318x238", "432x324", "636x476")
_NOTHING = "<h2>Ничего не найдено в выбранной области поиска</h2><p>Измените запрос</p>"


class Search(NamedTuple):
    """One page of a category: its number from 1, its listings, the number of all."""

    category: Category
    number: int
    total: int
    shown: list[Facts]


def search(category: Category, number: int, listings: list[Facts]) -> Search:
    """Page `number` of a category's listings, which come newest first."""
    # New ads push the older ones down: a page begins with the last item of the one before.
    first = max(0, (number - 1) * PER_PAGE - 1)
    beyond = (number - 1) * PER_PAGE >= len(listings)
    shown = [] if beyond else listings[first : number * PER_PAGE]
    return Search(category, number, len(listings), shown)


def markup(market: Market, found: Search) -> bytes:
    """The page with one element per listing."""
    classes = _hashed(f"{found.category.slug}{found.number}")
    items = "".join(_item(market, facts, found.category, classes) for facts in found.shown)
    return _page(
        found,
        f'<div class="banner-{classes}" data-marker="witcher/block">Реклама</div>'
        f'<div class="items-{classes}" data-marker="catalog-serp">{items}</div>'
        + ("" if items else _NOTHING),
    )


def relaid(market: Market, found: Search) -> bytes:
    """The page in the newer layout: its listings stand in a script, as JSON, and nowhere else."""
    items: list[dict[str, Any]] = [_entry(market, facts, found.category) for facts in found.shown]
    if items:
        items.insert(0, {"type": "banner", "bannerCode": "ldr_low"})
        items.insert(6, {"type": "vip-widget", "items": []})
    state = {
        "i18n": {"locale": "ru-RU"},
        "loaderData": {"data": {"catalog": {"items": items}, "totalCount": found.total}},
    }
    # The site escapes the JSON as text, though scripts need less.
    script = escape(json.dumps(state, ensure_ascii=False))
    return _page(
        found,
        ("" if found.shown else f'<div data-marker="catalog-serp"></div>{_NOTHING}')
        + f'<script type="mime/invalid" data-mfe-state="true">{script}</script>',
    )


def _page(found: Search, content: str) -> bytes:
    slug, name = found.category.slug, escape(found.category.name)
    following = ""
    if found.number * PER_PAGE < found.total:
        address = f"/moskva/{slug}?p={found.number + 1}"
        following = f'<a data-marker="pagination-button/nextPage" href="{address}">Дальше</a>'
    return (
        f"<!doctype html><html><head><title>{name} в Москве</title></head><body>"
        f'<h1 data-marker="page-title/text">{name}</h1>'
        f'<span data-marker="page-title/count">{_thousands(found.total)}</span>{content}'
        f'<nav data-marker="pagination-button">{following}</nav></body></html>'
    ).encode()


def _item(market: Market, facts: Facts, category: Category, classes: str) -> str:
    text = market.text(facts.index)
    where, address = _where(facts, category), _photo(facts)
    # A photo not yet scrolled to stands in the list's marker alone.
    image = "" if facts.index % 2 else f'<img itemprop="image" src="{address}" alt="">'
    gallery = f'<li data-marker="slider-image/image-{address}">{image}</li>'
    if facts.photo == "none":
        gallery = ""
    price = "<strong>Цена не указана</strong>"
    if facts.price is not None:
        price = (
            '<meta itemprop="priceCurrency" content="RUB">'
            f'<meta itemprop="price" content="{facts.price}">'
            f"<strong>{_thousands(facts.price)}\N{NO-BREAK SPACE}₽</strong>"
        )
    return (
        f'<div class="item-root-{classes}" data-marker="item" data-item-id="{facts.id}"'
        f' id="i{facts.id}" itemscope itemtype="http://schema.org/Product">'
        f'<meta itemprop="description" content="{escape(text.body)}">'
        f'<a itemprop="url" href="{where}"><ul data-marker="item-photo">{gallery}</ul></a>'
        f'<a itemprop="url" data-marker="item-title" href="{where}">'
        f'<h3 class="title-{classes}" itemprop="name">{escape(text.title)}</h3></a>'
        f'<p data-marker="item-price" itemprop="offers" itemscope>{price}</p>'
        f'<p class="date-{classes}" data-marker="item-date">{in_words(facts.listed, market.now)}'
        f'</p><div data-marker="item-user-logo"><a data-marker="item-user-logo-link"'
        f' href="{_seller(facts)}">Профиль</a></div></div>'
    )


def _entry(market: Market, facts: Facts, category: Category) -> dict[str, Any]:
    """A listing as the newer layout has it."""
    text = market.text(facts.index)
    priced = facts.price is not None
    shown = f"{_thousands(facts.price or 0)}\N{NO-BREAK SPACE}₽" if priced else "Цена не указана"
    image = {
        size: _photo(facts) + ("" if size == _SIZES[-1] else f"?size={size}") for size in _SIZES
    }
    return {
        "type": "item",
        "id": int(facts.id),
        "title": text.title,
        "description": text.body,
        "urlPath": _where(facts, category),
        "category": {
            "id": 1 + CATEGORIES.index(category),
            "name": category.name,
            "slug": category.slug,
        },
        "priceDetailed": {"value": facts.price, "string": shown, "hasValue": priced},
        "images": [image] if facts.photo != "none" else [],
        "sortTimeStamp": round(facts.listed.timestamp() * 1000),
        "sellerId": facts.seller,
        "iva": {"UserInfoStep": [{"payload": {"profile": {"link": _seller(facts)}}}]},
    }


def _where(facts: Facts, category: Category) -> str:
    return f"/moskva/{category.slug}/obyavlenie_{facts.id}"


def _photo(facts: Facts) -> str:
    return f"/image/{facts.id}.jpg"


def _seller(facts: Facts) -> str:
    return f"/user/{facts.seller}/profile?iid={facts.id}"


def _thousands(number: int) -> str:
    return f"{number:,}".replace(",", "\N{NO-BREAK SPACE}")


def _hashed(of: str) -> str:
    """A class name's tail as build tools make it; it differs from page to page."""
    return blake2b(of.encode(), digest_size=3).hexdigest()
