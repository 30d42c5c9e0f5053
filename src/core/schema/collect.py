"""The section `collect`: where listings come from."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, field_validator, model_validator

from src.core.schema.base import (
    Count,
    Folder,
    KeyFault,
    Seconds,
    Section,
    Share,
    require_sum_at_most_1,
    written_in_full,
)

# No other field says what these do. The rest may share a column: photos named by id or title.
_ALONE = ("category", "price", "split", "listed")


class Faults(Section):
    """How often the demo's site misbehaves: the share of URLs that each fault strikes."""

    busy: Share
    reset: Share
    stall: Share
    stall_s: Annotated[float, Field(gt=0, le=3600)]
    cut: Share
    misencoded: Share
    repeated: Share
    blocked: Share
    captcha: Share
    relaid: Share

    @model_validator(mode="after")
    def _strike_once(self) -> Self:
        kinds = ("busy", "reset", "stall", "cut", "misencoded", "blocked", "captcha", "repeated")
        require_sum_at_most_1(self, kinds)
        return self


class Demo(Section):
    """How many listings the simulated marketplace has, and the share that has each defect."""

    listings: Count
    photo_size: Annotated[int, Field(ge=32, le=4096)]
    no_photo: Share
    dull_photo: Share
    broken_photo: Share
    dull_text: Share
    no_text: Share
    no_price: Share
    repost: Share
    wrong_label: Share
    contacts: Share
    faults: Faults

    @model_validator(mode="after")
    def _one_defect_each(self) -> Self:
        require_sum_at_most_1(self, ("no_photo", "dull_photo", "broken_photo"))
        require_sum_at_most_1(self, ("dull_text", "no_text"))
        return self


class Avito(Section):
    """What to collect from the real site; 0 and '' are no limits."""

    starts: list[Annotated[str, Field(min_length=1)]] = Field(min_length=1)
    limit: Annotated[int, Field(ge=0, le=1_000_000_000)]
    per_category: Annotated[int, Field(ge=0, le=1_000_000_000)]
    since: str
    fetch: bool

    @field_validator("since", mode="before")
    @classmethod
    def _is_a_date(cls, since: Any) -> Any:
        if since is None or since == "":
            return ""
        # YAML reads 2026-01-31 without quotes as a date.
        try:
            return date.fromisoformat(str(since)).isoformat()
        except ValueError:
            raise ValueError("expected a date such as 2026-01-31, or ''") from None


class Crawl(Section):
    """How politely a site is crawled."""

    page_delay_s: Seconds
    photo_delay_s: Seconds
    jitter: Annotated[float, Field(ge=0, le=10)]
    at_once: Annotated[int, Field(ge=1, le=64)]
    timeout_s: Annotated[float, Field(gt=0, le=3600)]
    attempts: Annotated[int, Field(ge=1, le=100)]
    longest_pause_s: Seconds
    give_up_after: Count
    redirects: Annotated[int, Field(ge=0, le=20)]
    photo_max_bytes: Annotated[int, Field(ge=1, le=1_000_000_000)]


class Columns(Section):
    """The user's column for each field of a listing; '' where the table has none."""

    id: str
    title: str
    text: str
    price: str
    category: Annotated[str, Field(min_length=1)]
    photo: str
    seller: str
    split: str
    listed: str

    @model_validator(mode="after")
    def _something_to_read(self) -> Self:
        if not self.has_text and not self.photo:
            raise ValueError(
                "title, text and photo are all ''; expected the name of at least one column"
            )
        return self

    @model_validator(mode="after")
    def _do_not_share(self) -> Self:
        # As columns are found: spaces do not tell them apart.
        names = {field: " ".join(name.split()) for field, name in self}
        for alone in _ALONE:
            for field, name in names.items():
                if field == alone or not name or name != names[alone]:
                    continue
                answer = ", so the category would be known beforehand" * (alone == "category")
                raise KeyFault(
                    field,
                    f"is {name!r}, as {alone} is{answer}; expected a column of its own, or '' for "
                    "none",
                )
        return self

    @property
    def has_text(self) -> bool:
        """Whether the table has a title or a text."""
        return bool(self.title or self.text)


class Table(Section):
    """The user's own file of listings and folder of photos, both inside `folder`."""

    folder: Folder
    path: Annotated[str, Field(min_length=1), AfterValidator(written_in_full)]
    photos: Annotated[str, AfterValidator(written_in_full)]
    columns: Columns


class Collect(Section):
    """The source of listings, and the settings of each."""

    source: Literal["demo", "table", "avito"]
    demo: Demo
    avito: Avito
    crawl: Crawl
    table: Table
