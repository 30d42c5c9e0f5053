"""Fetch pages and photos politely: robots.txt, pace, retries, limits."""

from __future__ import annotations

import threading
import time
from email.utils import parsedate_to_datetime
from http.cookiejar import DefaultCookiePolicy
from io import BytesIO
from typing import NamedTuple, Self
from urllib.parse import urljoin, urlsplit

import requests
from protego import Protego
from requests.adapters import HTTPAdapter
from requests.cookies import RequestsCookieJar
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    sleep_using_event,
    stop_after_attempt,
    wait_exponential_jitter,
)

from src.collect.errors import FetchError, Forbidden, Unreachable, UnresolvedHost
from src.collect.hosts import Hosts, PublicAdapter
from src.collect.rate_limiter import RateLimiter
from src.core.schema import Crawl

USER_AGENT = "listing-classifier/0.1 (research crawler; obeys robots.txt)"
_PAGE_MAX_BYTES = 5_000_000
_RETRIED = (429, 500, 502, 503, 504)
_REDIRECTS = (301, 302, 303, 307, 308)


class _TryAgain(Unreachable):
    """A temporary error; `pause_s` is how long the site asks to wait, if it does."""

    def __init__(
        self, reason: str, status: int | None = None, pause_s: float | None = None
    ) -> None:
        super().__init__(reason, status)
        self.pause_s = pause_s


class Fetched(NamedTuple):
    """The body, its URL after redirects, and the charset that the Content-Type header names."""

    content: bytes
    url: str
    charset: str | None


class Fetcher:
    """A session with connection pools; thread-safe. Use as a context manager."""

    def __init__(self, settings: Crawl, hosts: Hosts) -> None:
        self.settings, self.hosts = settings, hosts
        session = requests.Session()
        session.headers["User-Agent"] = USER_AGENT
        # Nothing from the environment: no proxy, no stored password. No cookies either.
        session.trust_env = False
        session.cookies = RequestsCookieJar(policy=DefaultCookiePolicy(allowed_domains=[]))
        session.adapters.clear()
        size = settings.at_once
        session.mount("https://", PublicAdapter(pool_maxsize=size, pool_block=True))
        if hosts.local is not None:
            local = HTTPAdapter(pool_maxsize=size, pool_block=True)
            session.mount(f"http://{hosts.local}/", local)
        self.session = session
        self._cancelled = threading.Event()
        self._at_once = threading.BoundedSemaphore(settings.at_once)
        self._limiters: dict[str, RateLimiter] = {}
        self._limiters_lock = threading.Lock()
        self._robots: dict[str, Protego] = {}
        self._robots_lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.session.close()

    def cancel(self) -> None:
        """Send no more requests; those that wait in other threads give up."""
        self._cancelled.set()

    def page(self, url: str) -> Fetched:
        """Fetch a page; raises Forbidden, Unreachable or another FetchError."""
        return self._follow(url, _PAGE_MAX_BYTES, self.settings.page_delay_s)

    def photo(self, url: str) -> bytes:
        """Fetch a photo's bytes, unchecked; raises as `page` does."""
        settings = self.settings
        return self._follow(url, settings.photo_max_bytes, settings.photo_delay_s).content

    def _follow(self, url: str, max_bytes: int, delay_s: float, *, robots: bool = True) -> Fetched:
        """Fetch a URL; every URL that it redirects to is checked like the first."""
        for _ in range(self.settings.redirects + 1):
            limiter = self._limiter(url, delay_s)
            if robots:
                self._check_robots(url, limiter)
            fetched = self._get(url, max_bytes, limiter)
            if isinstance(fetched, Fetched):
                return fetched
            url = fetched
        raise FetchError(f"more than {self.settings.redirects} redirects")

    def _limiter(self, url: str, delay_s: float) -> RateLimiter:
        site = self.hosts.site(url)
        with self._limiters_lock:
            new = RateLimiter(delay_s, self.settings.jitter, self._cancelled)
            return self._limiters.setdefault(site, new)

    def _check_robots(self, url: str, limiter: RateLimiter) -> None:
        parts = urlsplit(url)
        root = f"{parts.scheme}://{parts.netloc}"
        with self._robots_lock:
            if root not in self._robots:
                self._robots[root] = robots = self._read_robots(root, limiter.delay_s)
                rate = robots.request_rate(USER_AGENT)
                asked = (robots.crawl_delay(USER_AGENT), rate and rate.seconds / rate.requests)
                limiter.delay_s = max(limiter.delay_s, *(float(delay or 0) for delay in asked))
        if not self._robots[root].can_fetch(url, USER_AGENT):
            raise Forbidden("robots.txt forbids it")

    def _read_robots(self, root: str, delay_s: float) -> Protego:
        try:
            fetched = self._follow(f"{root}/robots.txt", _PAGE_MAX_BYTES, delay_s, robots=False)
            return Protego.parse(fetched.content.decode("utf-8", "replace"))
        except Unreachable as error:
            # Without its rules a site is not asked for anything else.
            reason = f"robots.txt could not be read ({error})"
            raise Unreachable(reason, error.status) from error
        except FetchError as error:
            if error.status is None:
                raise
            # RFC 9309: a missing file allows everything. A refused one is taken as forbidding it.
            missing = error.status in (404, 410)
            return Protego.parse("" if missing else "User-agent: *\nDisallow: /")

    def _get(self, url: str, max_bytes: int, limiter: RateLimiter) -> Fetched | str:
        """Return what came, or the URL that it redirects to; retries where that may help."""

        def wait(state: RetryCallState) -> float:
            error = state.outcome.exception() if state.outcome else None
            asked = error.pause_s if isinstance(error, _TryAgain) else None
            pause = backoff(state) if asked is None else asked
            if isinstance(error, _TryAgain) and error.status == 429:
                limiter.pause(pause)
            return pause

        first = max(0.5, limiter.delay_s)
        backoff = wait_exponential_jitter(initial=first, max=60, jitter=first)
        retrying = Retrying(
            retry=retry_if_exception_type(_TryAgain),
            stop=stop_after_attempt(self.settings.attempts),
            wait=wait,
            sleep=sleep_using_event(self._cancelled),
            reraise=True,
        )
        return retrying(self._get_once, url, max_bytes, limiter)

    def _get_once(self, url: str, max_bytes: int, limiter: RateLimiter) -> Fetched | str:
        timeout = self.settings.timeout_s
        try:
            with self._at_once:
                with limiter.request():
                    if self._cancelled.is_set():
                        raise Unreachable("the crawl was cancelled")
                    # Redirects are followed one by one, after a check of where they lead.
                    response = self.session.get(
                        url, timeout=timeout, stream=True, allow_redirects=False
                    )
                with response:
                    status = response.status_code
                    if status in _RETRIED:
                        raise self._refusal(response)
                    if status in _REDIRECTS and "Location" in response.headers:
                        return urljoin(url, response.headers["Location"])
                    if status != 200:
                        raise FetchError(f"answered {status}", status)
                    charset = requests.utils.get_encoding_from_headers(response.headers)
                    named = "charset" in response.headers.get("Content-Type", "").lower()
                    content = _read_body(response, max_bytes, time.monotonic() + 10 * timeout)
                    return Fetched(content, url, charset if named else None)
        except requests.Timeout as error:
            raise _TryAgain("timed out") from error
        except (requests.exceptions.InvalidURL, UnicodeError, ValueError) as error:
            raise FetchError("URL cannot be parsed") from error
        except (requests.RequestException, UnresolvedHost) as error:
            raise _TryAgain("connection failed") from error

    def _refusal(self, response: requests.Response) -> FetchError:
        status = response.status_code
        pause = _retry_after_s(response.headers.get("Retry-After", ""))
        if pause is not None and pause > self.settings.longest_pause_s:
            return Unreachable(f"answered {status} and asks for a pause of {pause:.0f} s", status)
        return _TryAgain(f"answered {status}", status, pause)


def _read_body(response: requests.Response, max_bytes: int, deadline: float) -> bytes:
    length = response.headers.get("Content-Length", "")
    too_large = FetchError(f"larger than {max_bytes} bytes")
    if len(length) < 19 and length.isdecimal() and int(length) > max_bytes:
        raise too_large
    content = BytesIO()
    for piece in response.iter_content(65536):
        content.write(piece)
        if content.tell() > max_bytes:
            raise too_large
        # A server that sends a few bytes at a time never triggers the socket's timeout.
        if time.monotonic() > deadline:
            raise FetchError("too slow")
    return content.getvalue()


def _retry_after_s(value: str) -> float | None:
    """Return the seconds of a Retry-After header, which holds seconds or a date."""
    if value.strip().isdecimal():
        return float(value)
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except (ValueError, TypeError, OverflowError):
        return None
