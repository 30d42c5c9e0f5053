"""Decide what a page is: listings, none, a block, a captcha, or an unknown layout."""

from __future__ import annotations

import re
from collections.abc import Mapping

from src.collect.pages.page import Verdict

HEADINGS = frozenset({"title", "h1", "h2", "h3", "h4"})
# Listings are never selected by class; a block page has hardly anything else to recognise.
_NAMING = ("id", "class", "name", "data-marker", "action", "src")
_CAPTCHA = re.compile("captcha|geetest")
_FIREWALL = re.compile("firewall|qrator")
_SEARCH = ("page-title", "catalog-serp", "search-filters", "search-form", "rubricator")
_BLOCKED = re.compile(
    r"доступ\b.{0,40}\b(?:ограничен|запрещ|заблокирован)|проблема с ip"
    r"|access (?:is )?(?:denied|restricted)|forbidden|too many requests"
)
_ROBOT = re.compile(r"не робот|капч|captcha|вы человек")
_NONE = re.compile(
    r"ничего не (?:найден|наш)|(?:объявлени[яй]|результатов) (?:не найден|нет)|нет объявлений"
)
_MAX_NAME = 500


class Signs:
    """What the elements of a page without listings reveal about it."""

    def __init__(self) -> None:
        self.headings: list[str] = []
        self.captcha = False
        self.firewall = False
        self.search = False

    def add_element(self, attributes: Mapping[str, str]) -> None:
        if not attributes:
            return
        names = " ".join(attributes.get(name, "")[:_MAX_NAME] for name in _NAMING).lower()
        if "data-sitekey" in attributes or _CAPTCHA.search(names):
            self.captcha = True
        if _FIREWALL.search(names):
            self.firewall = True
        if attributes.get("data-marker", "").startswith(_SEARCH):
            self.search = True

    def add_heading(self, text: str) -> None:
        self.headings.append(" ".join(text.lower().split()))

    @property
    def nothing_found(self) -> bool:
        """Whether a search says that it found nothing."""
        return self.search and _NONE.search("\n".join(self.headings)) is not None


def verdict(listings: int, rejected: int, signs: Signs, total: int | None, empty: bool) -> Verdict:
    """Return the verdict on a page with so many listings and rejected items.

    `empty`: the page's data contain a list of listings with nothing in it. Without such a list,
    only a search page that says "0" or "nothing found" is `EMPTY`.
    """
    if listings:
        return Verdict.LISTINGS
    if rejected:
        return Verdict.UNKNOWN
    headings = "\n".join(signs.headings)
    # Past its last page a search still says how many listings it has.
    if total == 0 or signs.nothing_found or (total is None and empty):
        return Verdict.EMPTY
    if signs.captcha or _ROBOT.search(headings):
        return Verdict.CAPTCHA
    if signs.firewall or _BLOCKED.search(headings):
        return Verdict.BLOCKED
    return Verdict.UNKNOWN
