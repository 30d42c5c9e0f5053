"""What a page is: listings, none, a block, a captcha, or nothing that is known."""

from __future__ import annotations

import re
from collections.abc import Mapping

from src.collect.pages.page import Verdict

HEADINGS = frozenset({"title", "h1", "h2", "h3", "h4"})
# Listings are never selected by class; a block page has hardly anything else to tell it by.
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
_LONGEST = 500


class Signs:
    """What the elements of a page without listings tell about it."""

    def __init__(self) -> None:
        self.headings: list[str] = []
        self.captcha = False
        self.firewall = False
        self.search = False

    def see(self, attributes: Mapping[str, str]) -> None:
        """Take notice of one element."""
        if not attributes:
            return
        names = " ".join(attributes.get(name, "")[:_LONGEST] for name in _NAMING).lower()
        if "data-sitekey" in attributes or _CAPTCHA.search(names):
            self.captcha = True
        if _FIREWALL.search(names):
            self.firewall = True
        if attributes.get("data-marker", "").startswith(_SEARCH):
            self.search = True

    def hear(self, heading: str) -> None:
        """Take notice of a heading's text."""
        self.headings.append(" ".join(heading.lower().split()))


def verdict(listings: int, rejected: int, signs: Signs, total: int | None, empty: bool) -> Verdict:
    """The verdict on a page with so many listings and items set aside.

    `empty` means that the page's data hold a list of listings with none in it. Without that, only
    a search page that says "0" or "nothing found" is `EMPTY`.
    """
    if listings:
        return Verdict.LISTINGS
    if rejected:
        return Verdict.UNKNOWN
    headings = "\n".join(signs.headings)
    told = signs.search and _NONE.search(headings)
    # Past its last page a search still says how many listings it has.
    if total == 0 or told or (total is None and empty):
        return Verdict.EMPTY
    if signs.captcha or _ROBOT.search(headings):
        return Verdict.CAPTCHA
    if signs.firewall or _BLOCKED.search(headings):
        return Verdict.BLOCKED
    return Verdict.UNKNOWN
