"""The demo's web site: the market's listings on pages shaped like the real site's."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b
from html import escape
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from src.collect.demo.catalog import CATEGORIES, Category
from src.collect.demo.market import Facts, Market, listing_id

PER_PAGE = 50
_ROBOTS = "User-agent: *\nDisallow: /login\nDisallow: /favorites\n"


@contextmanager
def serve(market: Market, robots: str = _ROBOTS) -> Iterator[str]:
    """Serve the market on a free port of this machine; give the site's address, without a slash."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(Site(market, robots)))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Site:
    """Answers for paths; it remembers only which busy addresses were asked before."""

    def __init__(self, market: Market, robots: str) -> None:
        self._market = market
        self._robots = robots
        self._asked: set[str] = set()
        self._lock = threading.Lock()
        self._by_category: dict[str, list[Facts]] = {category.slug: [] for category in CATEGORIES}
        for facts in market.facts:
            self._by_category[CATEGORIES[facts.shown].slug].append(facts)

    def answer(self, path: str) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body for a path with its query."""
        if path == "/robots.txt":
            return 200, {"Content-Type": "text/plain; charset=utf-8"}, self._robots.encode()
        if busy := self._busy(path):
            return busy
        address = urlsplit(path)
        match address.path.strip("/").split("/"):
            case ["moskva", slug] if slug in self._by_category:
                page = parse_qs(address.query).get("p", ["1"])[0]
                body = self._page(slug, int(page) if page.isdecimal() else 1)
                # Like the real site's saved pages: no charset, neither here nor in the page.
                return 200, {"Content-Type": "text/html"}, body
            case ["image", name] if name.removesuffix(".jpg").isdecimal():
                index, rest = divmod(int(name.removesuffix(".jpg")) - int(listing_id(0)), 37)
                photo = None
                if not rest and 0 <= index < len(self._market):
                    photo = self._market.photo(index)
                if photo is not None:
                    return 200, {"Content-Type": "image/jpeg"}, photo
        return 404, {"Content-Type": "text/html; charset=utf-8"}, "Нет такой страницы".encode()

    def _busy(self, path: str) -> tuple[int, dict[str, str], bytes] | None:
        """429 or 503 on the first request of some addresses, the same ones in every run."""
        digest = blake2b(f"{self._market.seed}{path}".encode(), digest_size=8).digest()
        if int.from_bytes(digest[:6], "big") / 2**48 >= self._market.params.busy:
            return None
        with self._lock:
            if path in self._asked:
                return None
            self._asked.add(path)
        status, headers = ((429, {"Retry-After": "1"}), (429, {}), (503, {}))[digest[6] % 3]
        return status, headers, b""

    def _page(self, slug: str, page: int) -> bytes:
        # New ads push the older ones down: a page begins with the last item of the one before.
        first = max(0, (page - 1) * PER_PAGE - 1)
        shown = self._by_category[slug][first : page * PER_PAGE] if page > 0 else []
        category = next(category for category in CATEGORIES if category.slug == slug)
        classes = _hashed(f"{slug}{page}")
        items = "".join(self._item(facts, category, classes) for facts in shown)
        return (
            f"<!doctype html><html><head><title>{escape(category.name)} в Москве</title></head>"
            f'<body><h1 data-marker="page-title/text">{escape(category.name)}</h1>'
            f'<div class="banner-{classes}" data-marker="witcher/block">Реклама</div>'
            f'<div class="items-{classes}" data-marker="catalog-serp">{items}</div>'
            f'<nav data-marker="pagination-button"><a href="/moskva/{slug}?p={page + 1}">Дальше</a>'
            "</nav></body></html>"
        ).encode()

    def _item(self, facts: Facts, category: Category, classes: str) -> str:
        text = self._market.text(facts.index)
        where = f"/moskva/{category.slug}/obyavlenie_{facts.id}"
        address = f"/image/{facts.id}.jpg"
        # A photo not yet scrolled to stands in the list's marker alone.
        image = "" if facts.index % 2 else f'<img itemprop="image" src="{address}" alt="">'
        gallery = f'<li data-marker="slider-image/image-{address}">{image}</li>'
        if facts.photo == "none":
            gallery = ""
        price = "<strong>Цена не указана</strong>"
        if facts.price is not None:
            price = (
                '<meta itemprop="priceCurrency" content="RUB">'
                f'<meta itemprop="price" content="{facts.price}"><strong>{facts.price} ₽</strong>'
            )
        return (
            f'<div class="item-root-{classes}" data-marker="item" data-item-id="{facts.id}"'
            f' id="i{facts.id}" itemscope itemtype="http://schema.org/Product">'
            f'<meta itemprop="description" content="{escape(text.body)}">'
            f'<a itemprop="url" href="{where}"><ul data-marker="item-photo">{gallery}</ul></a>'
            f'<a itemprop="url" data-marker="item-title" href="{where}">'
            f'<h3 class="title-{classes}" itemprop="name">{escape(text.title)}</h3></a>'
            f'<p data-marker="item-price" itemprop="offers" itemscope>{price}</p>'
            f'<div data-marker="item-user-logo"><a data-marker="item-user-logo-link"'
            f' href="/user/{facts.seller}/profile?iid={facts.id}">Профиль</a></div></div>'
        )


def _hashed(of: str) -> str:
    """A class name's tail as build tools make it; it differs from page to page."""
    return blake2b(of.encode(), digest_size=3).hexdigest()


def _handler(site: Site) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"  # keeps connections open, so that the client can pool them

        def do_GET(self) -> None:
            status, headers, body = site.answer(self.path)
            self.send_response(HTTPStatus(status))
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Stay silent: every answer would be a line on the user's terminal."""

    return Handler
