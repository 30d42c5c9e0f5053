"""The demo's web site: the market's listings on pages shaped like the real site's."""

from __future__ import annotations

import re
import threading
from urllib.parse import parse_qs

from src.collect.demo import pages
from src.collect.demo.answers import HTML, Answer
from src.collect.demo.bad_photos import bad_photo
from src.collect.demo.catalog import CATEGORIES
from src.collect.demo.habits import ANYWHERE, TRANSIENT, rng_of, struck_by
from src.collect.demo.market import Facts, Market, listing_id
from src.collect.demo.spoiled import spoiled

_PAGE = re.compile(r"/moskva/([a-z0-9_-]+)/?")
_PHOTO = re.compile(r"/image/([0-9]{1,20})\.jpg")
_NUMBER = re.compile(r"[0-9]{1,9}")


class Site:
    """Answers for paths; it remembers only which addresses of bad habits were asked before."""

    def __init__(self, market: Market, robots: str) -> None:
        self.market = market
        self._robots = robots
        self._asked: set[str] = set()
        self._lock = threading.Lock()
        self._categories = {category.slug: category for category in CATEGORIES}
        self._newest_first: dict[str, list[Facts]] = {slug: [] for slug in self._categories}
        for facts in reversed(market.facts):
            self._newest_first[CATEGORIES[facts.shown].slug].append(facts)

    def answer(self, path: str) -> Answer:
        """What a visitor gets for a path with its query, bad habits included."""
        habit = self.habit(path)
        if habit is None or not self._first_time(path):
            return self._right(path)
        if habit == "repeated":
            return self._right(path.split("?")[0])
        return spoiled(habit, self._right(path), rng_of(self.market.seed, path, f"{habit}: how"))

    def right_answer(self, path: str) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body for a path as if the site had no transient habits."""
        return self._right(path)[:3]

    def habit(self, path: str) -> str | None:
        """The transient habit that strikes the first request of a path, if one does."""
        address, _, query = path.partition("?")
        if self._slug(address):
            # Page 1 cannot stand in for itself.
            names = tuple(n for n in TRANSIENT if n != "repeated" or _number(query) > 1)
        elif _PHOTO.fullmatch(address):
            names = ANYWHERE
        else:
            return None
        return struck_by(self.market.params.habits, self.market.seed, path, names)

    def _first_time(self, path: str) -> bool:
        with self._lock:
            first = path not in self._asked
            self._asked.add(path)
        return first

    def _right(self, path: str) -> Answer:
        if path == "/robots.txt":
            headers = {"Content-Type": "text/plain; charset=utf-8"}
            return Answer(200, headers, self._robots.encode())
        address, _, query = path.partition("?")
        if slug := self._slug(address):
            return self._search(path, slug, _number(query))
        if photo := _PHOTO.fullmatch(address):
            index, rest = divmod(int(photo[1]) - int(listing_id(0)), 37)
            if not rest and 0 <= index < len(self.market):
                return self._photo(path, index)
        return _absent()

    def _slug(self, path: str) -> str | None:
        match = _PAGE.fullmatch(path)
        return match[1] if match and match[1] in self._categories else None

    def _search(self, path: str, slug: str, number: int) -> Answer:
        found = pages.search(self._categories[slug], number, self._newest_first[slug])
        market = self.market
        newer = struck_by(market.params.habits, market.seed, path, ("relaid",))
        body = pages.relaid(market, found) if newer else pages.markup(market, found)
        # Like the real site's saved pages: no charset, neither here nor in the page.
        return Answer(200, {"Content-Type": "text/html"}, body)

    def _photo(self, path: str, index: int) -> Answer:
        if self.market.facts[index].photo == "broken":
            return bad_photo(self.market, index, path)
        photo = self.market.photo(index)
        return Answer(200, {"Content-Type": "image/jpeg"}, photo) if photo else _absent()


def _number(query: str) -> int:
    """Which page a query asks for; the first one unless it says so clearly."""
    asked = parse_qs(query).get("p", ["1"])[0]
    return max(1, int(asked)) if _NUMBER.fullmatch(asked) else 1


def _absent() -> Answer:
    return Answer(404, HTML, "<!doctype html><html><p>Нет такой страницы</p></html>".encode())
