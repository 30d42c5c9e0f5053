"""The faults of the demo's site: which one strikes a path, and what becomes of the response.

The shares are `collect.demo.faults` of params.yaml. All but `relaid`, the newer layout of a page,
strike the first request of a path only.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

import numpy as np

from src.collect.demo.response import HTML, SiteResponse
from src.collect.demo.texts import Rng, pick
from src.core.schema import Faults

# Those of pages alone come last, so that a share means the same for pages and photos.
ANYWHERE = ("busy", "reset", "stall")
TRANSIENT = (*ANYWHERE, "cut", "misencoded", "blocked", "captcha", "repeated")

_BLOCK_PAGE = """<!doctype html><html><head><title>Доступ ограничен: проблема с IP</title></head>
<body><div class="firewall-container"><h2 class="firewall-title">Доступ ограничен: проблема с IP
</h2><p>С вашего адреса пришло слишком много запросов. Подождите немного, выключите VPN и откройте
страницу ещё раз.</p></div></body></html>
""".encode()
_CAPTCHA_PAGE = """<!doctype html><html><head><title>Проверка</title>
<script src="https://captcha.invalid/1/api.js" async defer></script></head>
<body><div class="firewall-container"><h2>Подтвердите, что вы не робот</h2>
<form method="post"><div class="h-captcha" data-sitekey="00000000-demo-demo-demo-000000000000">
</div><button type="submit">Продолжить</button></form></div></body></html>
""".encode()


def draw_fault(faults: Faults, seed: int, path: str, names: Sequence[str]) -> str | None:
    """Return which of these faults strikes a path, if any; the same in every run."""
    rest = 1.0
    for name in names:
        share: float = getattr(faults, name)
        chance = int.from_bytes(_digest(seed, path, name)[:6], "big") / 2**48
        # Of the paths that earlier faults left, as many as make the share one of all paths.
        if chance * rest < share:
            return name
        rest = max(0.0, rest - share)
    return None


def apply_fault(fault: str, correct: SiteResponse, seed: int, path: str) -> SiteResponse:
    """Return what a fault makes of the correct response: any of TRANSIENT but `repeated`.

    busy: status 429 or 503; reset: the connection is reset; stall: no response; cut: half a page;
    misencoded: bytes that are not UTF-8; blocked and captcha: such a page. Raises ValueError for
    any other fault.
    """
    rng = np.random.default_rng(list(_digest(seed, path, f"{fault}: how")))
    half = rng.random() < 0.5
    match fault:
        case "busy":
            status, headers = pick(((429, {"Retry-After": "1"}), (429, {}), (503, {})), rng)
            return SiteResponse(status, dict(headers), b"")
        case "stall":
            return SiteResponse(0, {}, b"", "stalled")
        case "reset":
            if half:
                return SiteResponse(0, {}, b"", "reset")
            return _cut(correct, rng, full_length=True)._replace(end="reset")
        case "cut":
            return _cut(correct, rng, full_length=half)
        case "misencoded":
            body = _in_windows_1251(correct.body) if half else _damaged(correct.body, rng)
            return SiteResponse(correct.status, HTML, body)
        case "blocked":
            return SiteResponse(403 if half else 200, HTML, _BLOCK_PAGE)
        case "captcha":
            return SiteResponse(200, HTML, _CAPTCHA_PAGE)
    raise ValueError(f"no such fault: {fault}")


def _cut(correct: SiteResponse, rng: Rng, *, full_length: bool) -> SiteResponse:
    """Return the beginning of a response; `full_length`: with the length of all in its header."""
    body = correct.body[: int(len(correct.body) * rng.uniform(0.05, 0.95))]
    if not full_length:
        return correct._replace(body=body)
    headers = {**correct.headers, "Content-Length": str(len(correct.body))}
    return SiteResponse(correct.status, headers, body, "closed")


def _in_windows_1251(page: bytes) -> bytes:
    return page.decode().encode("windows-1251", "xmlcharrefreplace")


def _damaged(page: bytes, rng: Rng) -> bytes:
    """Replace a few bytes with one that never occurs in UTF-8."""
    damaged = bytearray(page)
    for place in rng.integers(0, len(page), 20):
        damaged[place] = 0xFF
    return bytes(damaged)


def _digest(seed: int, path: str, name: str) -> bytes:
    return blake2b(f"{seed} {name} {path}".encode(), digest_size=16).digest()
