"""The end of a crawl that cannot go on now."""

from __future__ import annotations

WAIT = "wait some hours"


class Stopped(Exception):
    """The site does not want to be asked further, or cannot be: where, what, and what to do."""

    def __init__(
        self, address: str, what: str, advice: str = "check the network and the site"
    ) -> None:
        super().__init__(f"{address} {what}")
        self.advice = advice
