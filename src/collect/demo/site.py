"""The demo's web site: the market's listings on pages shaped like the real site's."""

from __future__ import annotations

import re
import threading
from urllib.parse import parse_qs

from src.collect.demo import pages
from src.collect.demo.bad_photos import bad_photo
from src.collect.demo.catalog import CATEGORIES
from src.collect.demo.faults import ANYWHERE, TRANSIENT, apply_fault, draw_fault
from src.collect.demo.market import Facts, Market, listing_id
from src.collect.demo.response import HTML, SiteResponse

_PAGE = re.compile(r"/moskva/([a-z0-9_-]+)/?")
_PHOTO = re.compile(r"/image/([0-9]{1,20})\.jpg")
_NUMBER = re.compile(r"[0-9]{1,9}")


class Site:
    """Responds to paths; remembers nothing but which faulty paths were requested before."""

    def __init__(self, market: Market, robots: str) -> None:
        self.market = market
        self._robots = robots
        self._requested: set[str] = set()
        self._lock = threading.Lock()
        self._categories = {category.slug: category for category in CATEGORIES}
        self._newest_first: dict[str, list[Facts]] = {slug: [] for slug in self._categories}
        for facts in reversed(market.facts):
            self._newest_first[CATEGORIES[facts.shown].slug].append(facts)

    def respond(self, path: str) -> SiteResponse:
        """Return what a visitor gets for a path with its query, faults included."""
        fault = self.fault(path)
        if fault is None or not self._first_time(path):
            return self.correct_response(path)
        if fault == "repeated":
            return self.correct_response(path.split("?")[0])
        return apply_fault(fault, self.correct_response(path), self.market.seed, path)

    def correct_response(self, path: str) -> SiteResponse:
        """Return the response for a path without transient faults."""
        if path == "/robots.txt":
            headers = {"Content-Type": "text/plain; charset=utf-8"}
            return SiteResponse(200, headers, self._robots.encode())
        address, _, query = path.partition("?")
        if slug := self._slug(address):
            return self._search(path, slug, _page_number(query))
        if photo := _PHOTO.fullmatch(address):
            index, rest = divmod(int(photo[1]) - int(listing_id(0)), 37)
            if not rest and 0 <= index < len(self.market):
                return self._photo(path, index)
        return _not_found()

    def fault(self, path: str) -> str | None:
        """Return the transient fault that strikes the first request of a path, if any."""
        address, _, query = path.partition("?")
        if self._slug(address):
            # Page 1 cannot replace itself.
            names = tuple(n for n in TRANSIENT if n != "repeated" or _page_number(query) > 1)
        elif _PHOTO.fullmatch(address):
            names = ANYWHERE
        else:
            return None
        return draw_fault(self.market.settings.faults, self.market.seed, path, names)

    def _first_time(self, path: str) -> bool:
        with self._lock:
            first = path not in self._requested
            self._requested.add(path)
        return first

    def _slug(self, path: str) -> str | None:
        match = _PAGE.fullmatch(path)
        return match[1] if match and match[1] in self._categories else None

    def _search(self, path: str, slug: str, number: int) -> SiteResponse:
        market = self.market
        page = pages.search_page(self._categories[slug], number, self._newest_first[slug])
        newer = draw_fault(market.settings.faults, market.seed, path, ("relaid",))
        body = pages.render_relaid(market, page) if newer else pages.render_markup(market, page)
        # Like the saved pages of the real site: no charset, neither here nor in the page.
        return SiteResponse(200, {"Content-Type": "text/html"}, body)

    def _photo(self, path: str, index: int) -> SiteResponse:
        if self.market.facts[index].photo == "broken":
            return bad_photo(self.market, index, path)
        photo = self.market.photo(index)
        return SiteResponse(200, {"Content-Type": "image/jpeg"}, photo) if photo else _not_found()


def _page_number(query: str) -> int:
    """Return the page that a query asks for; 1 if it does not say clearly."""
    number = parse_qs(query).get("p", ["1"])[0]
    return max(1, int(number)) if _NUMBER.fullmatch(number) else 1


def _not_found() -> SiteResponse:
    return SiteResponse(404, HTML, "<!doctype html><html><p>Нет такой страницы</p></html>".encode())
