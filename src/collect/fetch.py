"""Ask a site for pages and photos politely: robots.txt, pauses, retries, limits."""

from __future__ import annotations

import threading
import time
from collections.abc import Collection
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Self
from urllib.parse import urlsplit
from urllib.robotparser import RobotFileParser

import requests
from requests.adapters import HTTPAdapter
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    stop_after_attempt,
    wait_exponential,
)

USER_AGENT = "listing-classifier/0.1 (research crawler; obeys robots.txt)"
PAGE_MAX_BYTES = 20_000_000
# A site that asks for a longer pause than this is left alone.
LONGEST_PAUSE_S = 300.0
_RETRIED = (429, 500, 502, 503, 504)
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True)
class CrawlParams:
    """params.yaml's `collect.crawl`."""

    page_delay_s: float
    photo_workers: int
    timeout_s: float
    attempts: int
    photo_max_bytes: int


class FetchError(Exception):
    """An address that gave nothing usable; the message is a reason to count by."""

    def __init__(self, reason: str, status: int | None = None) -> None:
        super().__init__(reason)
        self.status = status


class Forbidden(FetchError):
    """robots.txt forbids the address, or could not be read."""


class _TryAgain(FetchError):
    """A passing trouble; `pause_s` is what the site asked for, if it did."""

    def __init__(
        self, reason: str, status: int | None = None, pause_s: float | None = None
    ) -> None:
        super().__init__(reason, status)
        self.pause_s = pause_s


class Fetcher:
    """A pooled session; safe to share between threads. Use as a context manager."""

    def __init__(self, params: CrawlParams, hosts: Collection[str]) -> None:
        """`hosts` and their subdomains are all that is ever asked."""
        self.hosts = hosts
        self.params = params
        self._session = requests.Session()
        self._session.headers["User-Agent"] = USER_AGENT
        # A proxy from the environment cannot reach this machine's own demo site.
        self._session.trust_env = not all(host in _LOOPBACK for host in hosts)
        adapter = HTTPAdapter(pool_maxsize=params.photo_workers, pool_block=True)
        self._session.mount("http://", adapter)
        self._session.mount("https://", adapter)
        self._robots: dict[str, RobotFileParser | None] = {}
        self._robots_lock = threading.Lock()
        self._next_page: dict[str, float] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    def page(self, address: str) -> bytes:
        """A page, after the pause that the host is owed; for one thread. Raises FetchError."""
        robots = self._check(address)
        host = urlsplit(address).netloc
        asked = float(robots.crawl_delay(USER_AGENT) or 0)
        time.sleep(max(0.0, self._next_page.get(host, 0.0) - time.monotonic()))
        try:
            return self._get(address, PAGE_MAX_BYTES)
        finally:
            self._next_page[host] = time.monotonic() + max(self.params.page_delay_s, asked)

    def photo(self, address: str) -> bytes:
        """A photo's bytes, whatever they turn out to be. Raises FetchError."""
        self._check(address)
        return self._get(address, self.params.photo_max_bytes)

    def _check(self, address: str) -> RobotFileParser:
        try:
            parts = urlsplit(address)
            host = parts.hostname or ""
        except ValueError:
            raise FetchError("address cannot be read") from None
        if parts.scheme not in ("http", "https") or not any(
            host == known or host.endswith(f".{known}") for known in self.hosts
        ):
            raise FetchError("host not among the allowed ones")
        with self._robots_lock:
            root = f"{parts.scheme}://{parts.netloc}"
            if root not in self._robots:
                self._robots[root] = self._read_robots(root)
            robots = self._robots[root]
        if robots is None:
            raise Forbidden("robots.txt could not be read")
        if not robots.can_fetch(USER_AGENT, address):
            raise Forbidden("robots.txt forbids it")
        return robots

    def _read_robots(self, root: str) -> RobotFileParser | None:
        """None when the site does not say: then nothing is asked of it."""
        robots = RobotFileParser()
        try:
            text = self._get(f"{root}/robots.txt", PAGE_MAX_BYTES).decode("utf-8", "replace")
        except FetchError as error:
            if error.status is None or error.status >= 500 or error.status == 429:
                return None
            # The robots standard: refused means all is forbidden, absent means all is allowed.
            text = "User-agent: *\nDisallow: /" if error.status in (401, 403) else ""
        robots.parse(text.splitlines())
        return robots

    def _get(self, address: str, most_bytes: int) -> bytes:
        retrying = Retrying(
            retry=retry_if_exception_type(_TryAgain),
            stop=stop_after_attempt(self.params.attempts),
            wait=_wait,
            reraise=True,
        )
        return retrying(self._get_once, address, most_bytes)

    def _get_once(self, address: str, most_bytes: int) -> bytes:
        timeout = self.params.timeout_s
        # A server that drips bytes never trips a socket's time-out, so the whole has one too.
        deadline = time.monotonic() + 10 * timeout
        try:
            # Redirects could lead to another host: none is followed.
            with self._session.get(
                address, timeout=timeout, stream=True, allow_redirects=False
            ) as answer:
                if answer.status_code in _RETRIED:
                    raise _refusal(answer)
                if answer.status_code != 200:
                    raise FetchError(f"answered {answer.status_code}", answer.status_code)
                content = bytearray()
                for piece in answer.iter_content(65536):
                    content += piece
                    if len(content) > most_bytes:
                        raise FetchError(f"larger than {most_bytes} bytes")
                    if time.monotonic() > deadline:
                        raise FetchError("too slow")
                return bytes(content)
        except requests.Timeout as error:
            raise _TryAgain("timed out") from error
        except requests.exceptions.InvalidURL as error:
            raise FetchError("address cannot be read") from error
        except requests.RequestException as error:
            raise _TryAgain("connection failed") from error


def _refusal(answer: requests.Response) -> FetchError:
    status = answer.status_code
    pause = _retry_after_s(answer.headers.get("Retry-After", ""))
    if pause is not None and pause > LONGEST_PAUSE_S:
        return FetchError(f"answered {status} and asks for a pause too long", status)
    return _TryAgain(f"answered {status}", status, pause)


def _retry_after_s(value: str) -> float | None:
    """Seconds from a Retry-After header, which holds seconds or a date."""
    if value.strip().isdecimal():
        return float(value)
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except (ValueError, TypeError, OverflowError):
        return None


def _wait(state: RetryCallState) -> float:
    """What the site asked for, or else 0.5 s, 1 s, 2 s … up to a minute."""
    error = state.outcome.exception() if state.outcome else None
    if isinstance(error, _TryAgain) and error.pause_s is not None:
        return error.pause_s
    return wait_exponential(multiplier=0.5, max=60)(state)
