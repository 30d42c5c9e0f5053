"""The real site's bad habits: params.yaml's `collect.demo.habits`, and whom they strike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from hashlib import blake2b
from typing import Any

import numpy as np

from src.core.errors import UserError

# They strike the first request of an address only. Those of pages stand last: shares of the others
# then mean the same for photos.
ANYWHERE = ("busy", "reset", "stall")
ON_PAGES = ("cut", "misencoded", "blocked", "captcha", "repeated")
TRANSIENT = ANYWHERE + ON_PAGES


@dataclass(frozen=True)
class Habits:
    """Shares of addresses, 0 to 1, that each habit strikes; `stall_s` in seconds.

    busy: 429 or 503; reset: the connection is reset; stall: silence; cut: half a page; misencoded:
    bytes that are no UTF-8; blocked and captcha: such a page instead; repeated: page 1 instead of
    a later one; relaid: the newer layout, every time.
    """

    busy: float
    reset: float
    stall: float
    stall_s: float
    cut: float
    misencoded: float
    repeated: float
    blocked: float
    captcha: float
    relaid: float

    @classmethod
    def from_params(cls, params: Any) -> Habits:
        """Check and take the section; raises UserError for a value that makes no sense."""
        names = {field.name for field in fields(cls)}
        check_keys("collect.demo.habits", params, names)
        for name in sorted(names - {"stall_s"}):
            check_share(f"collect.demo.habits.{name}", params[name])
        if not isinstance(params["stall_s"], int | float) or not 0 < params["stall_s"] <= 3600:
            raise UserError(
                f"collect.demo.habits.stall_s is {params['stall_s']}; give seconds, 3600 at most"
            )
        if sum(params[name] for name in TRANSIENT) > 1:
            raise UserError(
                f"collect.demo.habits: {' + '.join(TRANSIENT)} is above 1; lower one of them"
            )
        return cls(**params)


def check_keys(section: str, params: Any, names: set[str]) -> None:
    """Raise UserError unless `params` is a section with exactly these keys."""
    if not isinstance(params, dict):
        raise UserError(f"{section} is {params!r}; give its keys {', '.join(sorted(names))}")
    if set(params) != names:
        odd = ", ".join(sorted(map(str, set(params) ^ names)))
        raise UserError(f"{section}: missing or unknown keys: {odd}")


def check_share(name: str, value: Any) -> None:
    """Raise UserError unless `value` is a share."""
    if not isinstance(value, int | float) or not 0 <= value <= 1:
        raise UserError(f"{name} is {value}; give a share from 0 to 1")


def struck_by(habits: Habits, seed: int, path: str, names: Sequence[str]) -> str | None:
    """Which of the habits strikes an address; one at most, the same in every run."""
    rest = 1.0
    for name in names:
        share: float = getattr(habits, name)
        # Of those that the earlier ones left, so many that the share is one of all addresses.
        if _chance(seed, path, name) * rest < share:
            return name
        rest = max(0.0, rest - share)
    return None


def rng_of(seed: int, path: str, name: str) -> np.random.Generator:
    """What a habit does to an address is drawn from here."""
    return np.random.default_rng(list(_digest(seed, path, name)))


def _chance(seed: int, path: str, name: str) -> float:
    return int.from_bytes(_digest(seed, path, name)[:6], "big") / 2**48


def _digest(seed: int, path: str, name: str) -> bytes:
    return blake2b(f"{seed} {name} {path}".encode(), digest_size=16).digest()
