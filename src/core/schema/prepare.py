"""The sections `pack` and `prepare`: from raw listings to splits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import Field, model_validator

from src.core.schema.base import Count, Folder, Section

if TYPE_CHECKING:
    from src.core.schema import Params


class Pack(Section):
    """The side of the packed photos."""

    pixels: Annotated[int, Field(ge=16, le=1024)]


class Parts(Section):
    """The share of listings in each split."""

    train: Annotated[float, Field(gt=0, lt=1)]
    val: Annotated[float, Field(gt=0, lt=1)]
    test: Annotated[float, Field(gt=0, lt=1)]

    @model_validator(mode="after")
    def _add_up_to_1(self) -> Self:
        total = self.train + self.val + self.test
        if abs(total - 1) > 1e-6:
            raise ValueError(
                f"train {self.train:g} + val {self.val:g} + test {self.test:g} is {total:g}; "
                "expected shares that add up to 1"
            )
        return self


class Prepare(Section):
    """Which listings are used, which count as near-duplicates, how they are split."""

    engine: Literal["local", "ray"]
    corrections: Folder
    min_per_category: Count
    split: Literal["random", "time", "folds"]
    folds: Annotated[int, Field(ge=3, le=100)]
    group_by: Literal["near_duplicates", "seller"]
    parts: Parts
    text_similarity: Annotated[float, Field(gt=0, le=1)]
    photo_bits: Annotated[int, Field(ge=0, le=64)]
    crossing: Literal["refuse", "drop"]
    shuffle_labels: bool


def require_sellers(params: Params) -> None:
    """Raise ValueError for a split by seller of a table that has no column of sellers."""
    table = params.collect.source == "table"
    if params.prepare.group_by == "seller" and table and not params.collect.table.columns.seller:
        raise ValueError(
            "prepare.group_by is seller, but collect.table.columns.seller is ''; expected the name "
            "of a column, or prepare.group_by: near_duplicates"
        )
