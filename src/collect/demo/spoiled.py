"""Answers as the site's bad habits leave them; each strikes the first request of an address."""

from __future__ import annotations

from src.collect.demo.answers import HTML, Answer
from src.collect.demo.texts import Rng, pick

BLOCK_PAGE = """<!doctype html><html><head><title>Доступ ограничен: проблема с IP</title></head>
<body><div class="firewall-container"><h2 class="firewall-title">Доступ ограничен: проблема с IP
</h2><p>С вашего адреса пришло слишком много запросов. Подождите немного, выключите VPN и откройте
страницу ещё раз.</p></div></body></html>
""".encode()
CAPTCHA_PAGE = """<!doctype html><html><head><title>Проверка</title>
<script src="https://captcha.invalid/1/api.js" async defer></script></head>
<body><div class="firewall-container"><h2>Подтвердите, что вы не робот</h2>
<form method="post"><div class="h-captcha" data-sitekey="00000000-demo-demo-demo-000000000000">
</div><button type="submit">Продолжить</button></form></div></body></html>
""".encode()


def spoiled(habit: str, right: Answer, rng: Rng) -> Answer:
    """What `habit` makes of the right answer; any transient habit but `repeated`.

    Raises ValueError for a habit that is none of these.
    """
    half = rng.random() < 0.5
    match habit:
        case "busy":
            status, headers = pick(((429, {"Retry-After": "1"}), (429, {}), (503, {})), rng)
            return Answer(status, dict(headers), b"")
        case "stall":
            return Answer(0, {}, b"", "stalled")
        case "reset":
            if half:
                return Answer(0, {}, b"", "reset")
            return _part(right, rng, told=True)._replace(end="reset")
        case "cut":
            return _part(right, rng, told=half)
        case "misencoded":
            body = _in_windows_1251(right.body) if half else _damaged(right.body, rng)
            return Answer(right.status, HTML, body)
        case "blocked":
            return Answer(403 if half else 200, HTML, BLOCK_PAGE)
        case "captcha":
            return Answer(200, HTML, CAPTCHA_PAGE)
    raise ValueError(f"no such habit: {habit}")


def _part(right: Answer, rng: Rng, *, told: bool) -> Answer:
    """The beginning of an answer; `told` leaves the length of the whole in its headers."""
    body = right.body[: int(len(right.body) * rng.uniform(0.05, 0.95))]
    if not told:
        return right._replace(body=body)
    headers = {**right.headers, "Content-Length": str(len(right.body))}
    return Answer(right.status, headers, body, "closed")


def _in_windows_1251(page: bytes) -> bytes:
    return page.decode().encode("windows-1251", "xmlcharrefreplace")


def _damaged(page: bytes, rng: Rng) -> bytes:
    """The page with a few bytes that stand nowhere in UTF-8."""
    damaged = bytearray(page)
    for place in rng.integers(0, len(page), 20):
        damaged[place] = 0xFF
    return bytes(damaged)
