"""How the demo's listings are: params.yaml's `collect.demo`, checked."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from src.errors import UserError


@dataclass(frozen=True)
class DemoParams:
    """params.yaml's `collect.demo`: how many listings, and the share that has each defect."""

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
    busy: float

    @classmethod
    def from_params(cls, params: dict[str, Any]) -> DemoParams:
        """Check and take the section; raises UserError for a value that makes no sense."""
        names = {field.name for field in fields(cls)}
        if set(params) != names:
            odd = ", ".join(sorted(set(params) ^ names))
            raise UserError(f"collect.demo: missing or unknown keys: {odd}")
        demo = cls(**params)
        for name in names - {"listings", "photo_size"}:
            if not 0 <= params[name] <= 1:
                raise UserError(f"collect.demo.{name} is {params[name]}; give a share from 0 to 1")
        if demo.listings < 1 or demo.photo_size < 32:
            raise UserError(
                "collect.demo needs listings of at least 1 and photo_size of at least 32"
            )
        for together in (("no_photo", "dull_photo", "broken_photo"), ("dull_text", "no_text")):
            if sum(params[name] for name in together) > 1:
                raise UserError(
                    f"collect.demo: {' + '.join(together)} is above 1; lower one of them"
                )
        return demo
