"""How the demo's listings are: params.yaml's `collect.demo`, checked."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from src.collect.demo.habits import Habits, check_keys, check_share
from src.core.errors import UserError


@dataclass(frozen=True)
class DemoParams:
    """params.yaml's `collect.demo`: how many listings, the share that has each defect, and how
    the site behaves."""

    listings: int
    photo_size: int
    no_photo: float
    dull_photo: float
    broken_photo: float
    dull_text: float
    no_text: float
    no_price: float
    repost: float
    wrong_label: float
    contacts: float
    habits: Habits

    @classmethod
    def from_params(cls, params: dict[str, Any]) -> DemoParams:
        """Check and take the section; raises UserError for a value that makes no sense."""
        names = {field.name for field in fields(cls)}
        check_keys("collect.demo", params, names)
        for name in sorted(names - {"listings", "photo_size", "habits"}):
            check_share(f"collect.demo.{name}", params[name])
        sizes = params["listings"], params["photo_size"]
        if not all(isinstance(size, int) for size in sizes) or sizes[0] < 1 or sizes[1] < 32:
            raise UserError(
                "collect.demo needs listings of at least 1 and photo_size of at least 32"
            )
        for together in (("no_photo", "dull_photo", "broken_photo"), ("dull_text", "no_text")):
            if sum(params[name] for name in together) > 1:
                raise UserError(
                    f"collect.demo: {' + '.join(together)} is above 1; lower one of them"
                )
        return cls(**{**params, "habits": Habits.from_params(params["habits"])})
