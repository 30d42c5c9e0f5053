"""The demo's search pages, in the site's older markup and in its newer layout."""

from __future__ import annotations

import json
from hashlib import blake2b
from html import escape
from typing import Any, NamedTuple

from src.collect.demo.catalog import CATEGORIES, Category
from src.collect.demo.dates import in_words
from src.collect.demo.market import Facts, Market

PER_PAGE = 50
# How the newer layout names the sizes of a photo; the last is the one in the markup.
_SIZES = ("208x156", "318x238", "432x324", "636x476")
_NOTHING = "<h2>Ничего не найдено в выбранной области поиска</h2><p>Измените запрос</p>"


class SearchPage(NamedTuple):
    """One page of a category: its number from 1, how many listings there are, those it shows."""

    category: Category
    number: int
    total: int
    shown: list[Facts]


def search_page(category: Category, number: int, listings: list[Facts]) -> SearchPage:
    """Return page `number` of a category's listings, which are given newest first."""
    # New ads push older ones down: a page begins with the last item of the one before.
    first = max(0, (number - 1) * PER_PAGE - 1)
    past_end = (number - 1) * PER_PAGE >= len(listings)
    shown = [] if past_end else listings[first : number * PER_PAGE]
    return SearchPage(category, number, len(listings), shown)


def render_markup(market: Market, page: SearchPage) -> bytes:
    """Return the page with one HTML element per listing."""
    classes = _hashed(f"{page.category.slug}{page.number}")
    items = "".join(_item(market, facts, page.category, classes) for facts in page.shown)
    return _html(
        page,
        f'<div class="banner-{classes}" data-marker="witcher/block">Реклама</div>'
        f'<div class="items-{classes}" data-marker="catalog-serp">{items}</div>'
        + ("" if items else _NOTHING),
    )


def render_relaid(market: Market, page: SearchPage) -> bytes:
    """Return the page in the newer layout: its listings are JSON in a script, and nowhere else."""
    items: list[dict[str, Any]] = [_entry(market, facts, page.category) for facts in page.shown]
    if items:
        items.insert(0, {"type": "banner", "bannerCode": "ldr_low"})
        items.insert(6, {"type": "vip-widget", "items": []})
    state = {
        "i18n": {"locale": "ru-RU"},
        "loaderData": {"data": {"catalog": {"items": items}, "totalCount": page.total}},
    }
    # The site escapes the JSON as text, although scripts do not need it.
    script = escape(json.dumps(state, ensure_ascii=False))
    return _html(
        page,
        ("" if page.shown else f'<div data-marker="catalog-serp"></div>{_NOTHING}')
        + f'<script type="mime/invalid" data-mfe-state="true">{script}</script>',
    )


def _html(page: SearchPage, content: str) -> bytes:
    slug, name = page.category.slug, escape(page.category.name)
    next_link = ""
    if page.number * PER_PAGE < page.total:
        url = f"/moskva/{slug}?p={page.number + 1}"
        next_link = f'<a data-marker="pagination-button/nextPage" href="{url}">Дальше</a>'
    return (
        f"<!doctype html><html><head><title>{name} в Москве</title></head><body>"
        f'<h1 data-marker="page-title/text">{name}</h1>'
        f'<span data-marker="page-title/count">{_thousands(page.total)}</span>{content}'
        f'<nav data-marker="pagination-button">{next_link}</nav></body></html>'
    ).encode()


def _item(market: Market, facts: Facts, category: Category, classes: str) -> str:
    text = market.text(facts.index)
    item_path, photo_path = _item_path(facts, category), _photo_path(facts)
    # A photo that has not been scrolled to is only in the marker of the list.
    image = "" if facts.index % 2 else f'<img itemprop="image" src="{photo_path}" alt="">'
    gallery = f'<li data-marker="slider-image/image-{photo_path}">{image}</li>'
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
        f'<a itemprop="url" href="{item_path}"><ul data-marker="item-photo">{gallery}</ul></a>'
        f'<a itemprop="url" data-marker="item-title" href="{item_path}">'
        f'<h3 class="title-{classes}" itemprop="name">{escape(text.title)}</h3></a>'
        f'<p data-marker="item-price" itemprop="offers" itemscope>{price}</p>'
        f'<p class="date-{classes}" data-marker="item-date">{in_words(facts.listed, market.now)}'
        f'</p><div data-marker="item-user-logo"><a data-marker="item-user-logo-link"'
        f' href="{_seller_path(facts)}">Профиль</a></div></div>'
    )


def _entry(market: Market, facts: Facts, category: Category) -> dict[str, Any]:
    """Return a listing as the newer layout has it."""
    text = market.text(facts.index)
    priced = facts.price is not None
    shown = f"{_thousands(facts.price or 0)}\N{NO-BREAK SPACE}₽" if priced else "Цена не указана"
    photo = _photo_path(facts)
    image = {size: photo + ("" if size == _SIZES[-1] else f"?size={size}") for size in _SIZES}
    return {
        "type": "item",
        "id": int(facts.id),
        "title": text.title,
        "description": text.body,
        "urlPath": _item_path(facts, category),
        "category": {
            "id": 1 + CATEGORIES.index(category),
            "name": category.name,
            "slug": category.slug,
        },
        "priceDetailed": {"value": facts.price, "string": shown, "hasValue": priced},
        "images": [image] if facts.photo != "none" else [],
        "sortTimeStamp": round(facts.listed.timestamp() * 1000),
        "sellerId": facts.seller,
        "iva": {"UserInfoStep": [{"payload": {"profile": {"link": _seller_path(facts)}}}]},
    }


def _item_path(facts: Facts, category: Category) -> str:
    return f"/moskva/{category.slug}/obyavlenie_{facts.id}"


def _photo_path(facts: Facts) -> str:
    return f"/image/{facts.id}.jpg"


def _seller_path(facts: Facts) -> str:
    return f"/user/{facts.seller}/profile?iid={facts.id}"


def _thousands(number: int) -> str:
    return f"{number:,}".replace(",", "\N{NO-BREAK SPACE}")


def _hashed(text: str) -> str:
    """Return the suffix of class names as build tools make it; it differs from page to page."""
    return blake2b(text.encode(), digest_size=3).hexdigest()
