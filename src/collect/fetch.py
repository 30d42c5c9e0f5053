"""Ask a site for pages and photos politely: robots.txt, pace, retries, limits."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
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

from src.collect.gate import Gate
from src.collect.hosts import FetchError, Hosts, PublicAdapter, Unresolved

USER_AGENT = "listing-classifier/0.1 (research crawler; obeys robots.txt)"
PAGE_MAX_BYTES = 5_000_000
_RETRIED = (429, 500, 502, 503, 504)
_REDIRECTS = (301, 302, 303, 307, 308)


@dataclass(frozen=True)
class CrawlParams:
    """params.yaml's `collect.crawl`."""

    page_delay_s: float
    photo_delay_s: float
    jitter: float
    at_once: int
    timeout_s: float
    attempts: int
    longest_pause_s: float
    give_up_after: int
    redirects: int
    photo_max_bytes: int


class Forbidden(FetchError):
    """robots.txt forbids the address."""


class Unreachable(FetchError):
    """A trouble that may pass, and did not in all attempts; worth asking again another day."""


class _TryAgain(Unreachable):
    """A trouble that may pass; `pause_s` is what the site asked for, if it did."""

    def __init__(
        self, reason: str, status: int | None = None, pause_s: float | None = None
    ) -> None:
        super().__init__(reason, status)
        self.pause_s = pause_s


class Answer(NamedTuple):
    """What came, from which address after redirects, and the charset that its header names."""

    content: bytes
    address: str
    charset: str | None


class Fetcher:
    """A pooled session; safe to share between threads. Use as a context manager."""

    def __init__(self, params: CrawlParams, hosts: Hosts) -> None:
        self.params, self.hosts = params, hosts
        session = requests.Session()
        session.headers["User-Agent"] = USER_AGENT
        # Nothing from the environment: no proxy, no stored password; and no cookies.
        session.trust_env = False
        jar = RequestsCookieJar(policy=DefaultCookiePolicy(allowed_domains=[]))
        session.cookies = jar
        session.adapters.clear()
        session.mount("https://", PublicAdapter(pool_maxsize=params.at_once, pool_block=True))
        if hosts.own is not None:
            own = HTTPAdapter(pool_maxsize=params.at_once, pool_block=True)
            session.mount(f"http://{hosts.own}/", own)
        self._session = session
        self._ended = threading.Event()
        self._at_once = threading.BoundedSemaphore(params.at_once)
        self._gates: dict[str, Gate] = {}
        self._gates_lock = threading.Lock()
        self._robots: dict[str, Protego] = {}
        self._robots_lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    def end(self) -> None:
        """Ask for nothing more: what waits for its turn in another thread gives up."""
        self._ended.set()

    def page(self, address: str) -> Answer:
        """A page. Raises Forbidden, Unreachable or another FetchError."""
        return self._follow(address, PAGE_MAX_BYTES, self.params.page_delay_s)

    def photo(self, address: str) -> bytes:
        """A photo's bytes, whatever they turn out to be. Raises as `page` does."""
        return self._follow(address, self.params.photo_max_bytes, self.params.photo_delay_s).content

    def _follow(
        self, address: str, most_bytes: int, delay_s: float, *, robots: bool = True
    ) -> Answer:
        """Get an address; every address that it leads on to is checked as the first one is."""
        for _ in range(self.params.redirects + 1):
            gate = self._gate(address, delay_s)
            if robots:
                self._check_robots(address, gate)
            answer = self._get(address, most_bytes, gate)
            if isinstance(answer, Answer):
                return answer
            address = answer
        raise FetchError(f"more than {self.params.redirects} redirects")

    def _gate(self, address: str, delay_s: float) -> Gate:
        site = self.hosts.site(address)
        with self._gates_lock:
            return self._gates.setdefault(site, Gate(delay_s, self.params.jitter, self._ended))

    def _check_robots(self, address: str, gate: Gate) -> None:
        parts = urlsplit(address)
        root = f"{parts.scheme}://{parts.netloc}"
        with self._robots_lock:
            if root not in self._robots:
                self._robots[root] = robots = self._read_robots(root, gate.delay_s)
                rate = robots.request_rate(USER_AGENT)
                asked = (robots.crawl_delay(USER_AGENT), rate and rate.seconds / rate.requests)
                gate.delay_s = max(gate.delay_s, *(float(delay or 0) for delay in asked))
        if not self._robots[root].can_fetch(address, USER_AGENT):
            raise Forbidden("robots.txt forbids it")

    def _read_robots(self, root: str, delay_s: float) -> Protego:
        try:
            answer = self._follow(f"{root}/robots.txt", PAGE_MAX_BYTES, delay_s, robots=False)
            return Protego.parse(answer.content.decode("utf-8", "replace"))
        except Unreachable as error:
            # A site that does not say is not asked for anything else.
            reason = f"robots.txt could not be read ({error})"
            raise Unreachable(reason, error.status) from error
        except FetchError as error:
            if error.status is None:
                raise
            # RFC 9309: absent means all is allowed; refused is read as forbidden, to be safe.
            absent = error.status in (404, 410)
            return Protego.parse("" if absent else "User-agent: *\nDisallow: /")

    def _get(self, address: str, most_bytes: int, gate: Gate) -> Answer | str:
        """The answer, or the address that it leads on to; tries again where that may help."""

        def wait(state: RetryCallState) -> float:
            error = state.outcome.exception() if state.outcome else None
            asked = error.pause_s if isinstance(error, _TryAgain) else None
            pause = backoff(state) if asked is None else asked
            if isinstance(error, _TryAgain) and error.status == 429:
                gate.hold(pause)
            return pause

        first = max(0.5, gate.delay_s)
        backoff = wait_exponential_jitter(initial=first, max=60, jitter=first)
        retrying = Retrying(
            retry=retry_if_exception_type(_TryAgain),
            stop=stop_after_attempt(self.params.attempts),
            wait=wait,
            sleep=sleep_using_event(self._ended),
            reraise=True,
        )
        return retrying(self._in_turn, address, most_bytes, gate)

    def _in_turn(self, address: str, most_bytes: int, gate: Gate) -> Answer | str:
        with self._at_once:
            return self._get_once(address, most_bytes, gate)

    def _get_once(self, address: str, most_bytes: int, gate: Gate) -> Answer | str:
        timeout = self.params.timeout_s
        try:
            with gate.passing():
                if self._ended.is_set():
                    raise Unreachable("the crawl was ended")
                # Redirects are followed one by one, after a look at where they lead.
                answer = self._session.get(
                    address, timeout=timeout, stream=True, allow_redirects=False
                )
            with answer:
                status = answer.status_code
                if status in _RETRIED:
                    raise self._refusal(answer)
                if status in _REDIRECTS and "Location" in answer.headers:
                    return urljoin(address, answer.headers["Location"])
                if status != 200:
                    raise FetchError(f"answered {status}", status)
                charset = requests.utils.get_encoding_from_headers(answer.headers)
                named = "charset" in answer.headers.get("Content-Type", "").lower()
                content = self._read(answer, most_bytes, time.monotonic() + 10 * timeout)
                return Answer(content, address, charset if named else None)
        except requests.Timeout as error:
            raise _TryAgain("timed out") from error
        except (requests.exceptions.InvalidURL, UnicodeError, ValueError) as error:
            raise FetchError("address cannot be read") from error
        except (requests.RequestException, Unresolved) as error:
            raise _TryAgain("connection failed") from error

    def _read(self, answer: requests.Response, most_bytes: int, deadline: float) -> bytes:
        told = answer.headers.get("Content-Length", "")
        content = BytesIO()
        for piece in answer.iter_content(65536):
            content.write(piece)
            if content.tell() > most_bytes or (
                len(told) < 19 and told.isdecimal() and int(told) > most_bytes
            ):
                raise FetchError(f"larger than {most_bytes} bytes")
            # A server that drips bytes never trips a socket's time-out.
            if time.monotonic() > deadline:
                raise FetchError("too slow")
        return content.getvalue()

    def _refusal(self, answer: requests.Response) -> FetchError:
        status = answer.status_code
        pause = _retry_after_s(answer.headers.get("Retry-After", ""))
        if pause is not None and pause > self.params.longest_pause_s:
            return Unreachable(f"answered {status} and asks for a pause of {pause:.0f} s", status)
        return _TryAgain(f"answered {status}", status, pause)


def _retry_after_s(value: str) -> float | None:
    """Seconds from a Retry-After header, which holds seconds or a date."""
    if value.strip().isdecimal():
        return float(value)
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except (ValueError, TypeError, OverflowError):
        return None
