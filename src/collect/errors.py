"""What can go wrong while a site is crawled."""

from __future__ import annotations

WAIT = "wait some hours"


class FetchError(Exception):
    """A URL that gave nothing usable; the message is a reason to count by."""

    def __init__(self, reason: str, status: int | None = None) -> None:
        super().__init__(reason)
        self.status = status


class Forbidden(FetchError):
    """robots.txt forbids the URL."""


class Unreachable(FetchError):
    """A temporary error that lasted through all attempts; worth trying again another day."""


class UnresolvedHost(OSError):
    """The host name has no address, or there is no network."""


class CrawlStopped(Exception):
    """The crawl cannot continue now: where, why, and what the user can do."""

    def __init__(
        self, url: str, reason: str, advice: str = "check the network and the site"
    ) -> None:
        super().__init__(f"{url} {reason}")
        self.advice = advice
