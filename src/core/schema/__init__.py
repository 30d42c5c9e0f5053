"""What params.yaml may contain: every key with its type, range and meaning for the code.

`src.core.params` reads the file by this; what each key means to a user stands in params.yaml.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from src.core.schema.base import ChosenRow, Imbalance, Inputs, KeyFault, RowName, Section
from src.core.schema.collect import Avito, Collect, Columns, Crawl, Demo, Faults, Table
from src.core.schema.fusion import FusedModel, Leaky
from src.core.schema.joined import Joined
from src.core.schema.models import (
    EpochSettings,
    ImageModel,
    ImageSettings,
    KernelImage,
    KernelSettings,
    KernelText,
    NetworkSettings,
    TextModel,
    TextSettings,
    Tfidf,
    TrainedImage,
    TrainedText,
    WeightsSource,
)
from src.core.schema.prepare import Pack, Parts, Prepare, require_sellers
from src.core.schema.rows import Rows, require_rows


class Trainer(Section):
    """Device, precision, backend and processes of networks, and where long work is done."""

    accelerator: Literal["auto", "cpu", "gpu"]
    precision: Literal["32-true", "bf16-mixed", "16-mixed"]
    features: Literal["torch", "torch-bfloat16", "openvino", "openvino-bfloat16"]
    workers: Annotated[int, Field(ge=0, le=256)]
    devices: Annotated[int, Field(ge=1, le=1024)] | Literal["auto"]
    nodes: Annotated[int, Field(ge=1, le=1024)]
    # ray: photos are packed and frozen features computed on a cluster, to the same bytes.
    engine: Literal["local", "ray"]


class Bundle(Section):
    """Whether the models that make predictions are fitted again on all listings."""

    refit: bool


class Tracking(Section):
    """The experiment and the registered model in MLflow."""

    experiment: Annotated[str, Field(min_length=1, max_length=500)]
    # A part of addresses such as models:/listings@champion.
    registered_model: RowName

    @field_validator("experiment")
    @classmethod
    def _can_be_read(cls, name: str) -> str:
        if not name.strip() or not name.isprintable():
            raise ValueError("expected a name that can be read, without line breaks")
        return name


class Params(Section):
    """All of params.yaml."""

    model: ChosenRow
    text_model: ChosenRow
    fused_model: ChosenRow
    weights: Literal["offline", "hub"]
    seed: Annotated[int, Field(ge=0, le=2**32 - 1)]
    repeats: Annotated[int, Field(ge=1, le=100)]
    portable: bool
    rows: Rows
    collect: Collect
    pack: Pack
    prepare: Prepare
    image_models: dict[RowName, ImageModel]
    text_models: dict[RowName, TextModel]
    joined: Joined
    fusion: dict[RowName, FusedModel]
    leaky: Leaky
    trainer: Trainer
    bundle: Bundle
    tracking: Tracking

    @property
    def pinned_trainer(self) -> Trainer:
        """The section `trainer`; with `portable`, features are by PyTorch, whose pins are known."""
        if not self.portable:
            return self.trainer
        features = self.trainer.features.replace("openvino", "torch")
        return self.trainer.model_copy(update={"features": features})

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        require_rows(self)
        require_sellers(self)
        return self
