"""What params.yaml may contain: every key with its type, range and meaning for the code.

`src.core.params` reads the file by this; what each key means to a user stands in params.yaml.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from src.core.schema.base import Imbalance, Inputs, KeyFault, RowName, Section
from src.core.schema.collect import Avito, Collect, Columns, Crawl, Demo, Faults, Table
from src.core.schema.fusion import FusedModel, Leaky
from src.core.schema.models import (
    EpochSettings,
    ImageModel,
    ImageSettings,
    KernelImage,
    KernelSettings,
    KernelText,
    ModelSettings,
    NetworkSettings,
    TextModel,
    TextSettings,
    Tfidf,
    TrainedImage,
    TrainedText,
    WeightsSource,
)
from src.core.schema.prepare import Pack, Parts, Prepare


class Rows(Section):
    """The rows of the results table by kind."""

    image: list[RowName] = Field(min_length=1)
    text: list[RowName] = Field(min_length=1)
    fused: list[RowName] = Field(min_length=1)


class Trainer(Section):
    """Device, precision, backend and processes of networks."""

    accelerator: Literal["auto", "cpu", "gpu"]
    precision: Literal["32-true", "bf16-mixed", "16-mixed"]
    features: Literal["torch", "torch-bfloat16", "openvino", "openvino-bfloat16"]
    workers: Annotated[int, Field(ge=0, le=256)]
    devices: Annotated[int, Field(ge=1)] | Literal["auto"]
    nodes: Annotated[int, Field(ge=1)]


class Tracking(Section):
    """The experiment in MLflow."""

    experiment: Annotated[str, Field(min_length=1)]


class Params(Section):
    """All of params.yaml."""

    model: RowName
    text_model: RowName
    fused_model: RowName
    weights: Literal["offline", "hub"]
    seed: Annotated[int, Field(ge=0, le=2**32 - 1)]
    portable: bool
    rows: Rows
    collect: Collect
    pack: Pack
    prepare: Prepare
    image_models: dict[RowName, ImageModel]
    text_models: dict[RowName, TextModel]
    fusion: dict[RowName, FusedModel]
    leaky: Leaky
    trainer: Trainer
    tracking: Tracking

    @model_validator(mode="after")
    def _rows_and_choices_exist(self) -> Self:
        choices = (
            ("model", "image", "image_models", self.model, self.rows.image),
            ("text_model", "text", "text_models", self.text_model, self.rows.text),
            ("fused_model", "fused", "fusion", self.fused_model, self.rows.fused),
        )
        for choice, kind, section, chosen, rows in choices:
            entries: dict[str, Any] = getattr(self, section)
            for row in rows:
                if row not in entries:
                    raise ValueError(
                        f"rows.{kind} names {row!r}; expected entries of {section}, which has "
                        f"{', '.join(entries)}: add it there, or take it out"
                    )
            if chosen not in rows:
                raise ValueError(
                    f"{choice} is {chosen!r}; expected one of {', '.join(rows)}: "
                    f"choose one of these, or add it to rows.{kind}"
                )
        names = [*self.rows.image, *self.rows.text, *self.rows.fused]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(
                f"rows: {', '.join(twice)} is there twice; expected a name of its own for every row"
            )
        if reserved := sorted({"leaky", "logreg_leaky"} & set(names)):
            raise ValueError(
                f"rows: {reserved[0]} is the name of the row that leaks on purpose; expected "
                "another name"
            )
        for kind, entries in (("image", self.image_models), ("text", self.text_models)):
            for row in getattr(self.rows, kind):
                if getattr(entries[row], self.weights) is None:
                    raise ValueError(
                        f"{kind}_models.{row} has no `{self.weights}` entry, which `weights: "
                        f"{self.weights}` reads; expected one with `network` and `weights`"
                    )
        return self
