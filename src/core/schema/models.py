"""The sections `image_models` and `text_models`: one entry per row."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Field, Tag, field_validator, model_validator

from src.core.schema.base import Count, Imbalance, KeyFault, Section, Strength


class WeightsSource(Section):
    """A network and the source of its first weights; '' and none for a row without a network."""

    network: str
    weights: Literal["random", "package", "hub", "none"]
    revision: str | None = None

    @model_validator(mode="after")
    def _both_or_neither(self) -> Self:
        if bool(self.network) == (self.weights == "none"):
            raise KeyFault(
                "network",
                f"is {self.network!r} and weights is {self.weights}; expected a network "
                "with random, package or hub, or '' with none",
            )
        return self


class FoldedSettings(WeightsSource):
    """Settings of a model that is fitted again for outputs out of fold: for `folds`, or for val."""

    folds: Annotated[int, Field(ge=0, le=100)]

    @field_validator("folds")
    @classmethod
    def _none_or_several(cls, folds: int) -> int:
        if folds == 1:
            raise ValueError("expected 0 (none) or at least 2")
        return folds


class NetworkSettings(WeightsSource):
    """Settings of every network."""

    # One row alone has no variance to normalise by.
    batch: Annotated[int, Field(ge=2, le=65_536)]

    @model_validator(mode="after")
    def _has_a_network(self) -> Self:
        if not self.network:
            raise KeyFault("network", "is ''; expected the name of a network")
        return self


class EpochSettings(NetworkSettings, FoldedSettings):
    """Settings of training in epochs."""

    epochs: Count
    patience: Count
    lr: Annotated[float, Field(gt=0, le=10)]
    weight_decay: Annotated[float, Field(ge=0, le=1000)]
    dropout: Annotated[float, Field(ge=0, lt=1)]
    imbalance: Imbalance
    # Largest norm of all gradients of a step together; 0: any.
    gradient_clip: Annotated[float, Field(ge=0, le=1e6)] = 0.0
    # The share of a target that is spread evenly over all classes.
    label_smoothing: Annotated[float, Field(ge=0, lt=1)] = 0.0
    # Each block of layers learns at this times the rate of the block above it.
    layer_decay: Annotated[float, Field(gt=0, le=1)] = 1.0
    # How the rate changes: warm-up and cosine, or warm-up and a straight line to 0.
    schedule: Literal["one_cycle", "linear"] = "one_cycle"
    # The share of all steps in which the rate rises.
    warmup: Annotated[float, Field(ge=0, lt=1)] = 0.15
    # In the first epochs only the head learns.
    freeze_epochs: Annotated[int, Field(ge=0, le=1_000_000)] = 0

    @model_validator(mode="after")
    def _not_always_frozen(self) -> Self:
        if self.freeze_epochs >= self.epochs:
            raise KeyFault(
                "freeze_epochs",
                f"is {self.freeze_epochs}; expected fewer than epochs, which is {self.epochs}",
            )
        return self


class KernelSettings(NetworkSettings):
    """Settings of kernel ridge regression on frozen features, which is fitted in one step."""

    tune: Literal["kernel"]
    gamma: Strength
    penalty: Strength
    # There are no batches to draw a sample into.
    imbalance: Literal["weights", "none"]


class ImageSettings(Section):
    """How an image network reads photos."""

    pixels: Annotated[int, Field(ge=16, le=1024)]
    augment: Literal["none", "albumentations"]
    views: Annotated[int, Field(ge=0, le=100)]


class TrainedSettings(EpochSettings):
    """Settings of a network trained as a whole (full), or of a head on its frozen features."""

    tune: Literal["full", "head"]

    @model_validator(mode="after")
    def _only_a_whole_network_is_frozen_at_first(self) -> Self:
        if self.freeze_epochs and self.tune == "head":
            raise KeyFault(
                "freeze_epochs", f"is {self.freeze_epochs}; expected 0 with `tune: head`"
            )
        return self


class TrainedImage(TrainedSettings, ImageSettings):
    """An image network trained as a whole, or a head on its frozen features."""

    @model_validator(mode="after")
    def _views_to_learn_from(self) -> Self:
        if self.tune == "head" and self.augment != "none" and self.views < 1:
            raise KeyFault(
                "views",
                f"is {self.views}; expected at least 1 with `tune: head` and augmentation",
            )
        return self


class KernelImage(KernelSettings, ImageSettings):
    """Kernel ridge regression on the frozen features of an image network, without random views."""

    augment: Literal["none"]
    views: Literal[0]
    # Average the features of a photo and of its mirror image.
    mirrored: bool = False
    # Of how many of the last blocks the averaged maps are features, too.
    blocks: Annotated[int, Field(ge=0, le=100)] = 0


class TextSettings(Section):
    """How a text network reads texts."""

    # [CLS] and two [SEP] take three.
    max_tokens: Annotated[int, Field(ge=4, le=1_000_000)]
    prefix: Annotated[str, Field(max_length=200)] = ""
    separator: bool = True
    title_apart: bool = False
    pooling: Literal["mean", "cls", "last"] = "mean"


class TrainedText(TrainedSettings, TextSettings):
    """A text network trained as a whole, or a head on its frozen features.

    `lora`: the rank of the matrices that are trained beside frozen weights; 0: the weights are.
    """

    lora: Annotated[int, Field(ge=0, le=1024)] = 0

    @model_validator(mode="after")
    def _lora_trains_the_network(self) -> Self:
        if self.lora and self.tune == "head":
            raise KeyFault("lora", f"is {self.lora}; expected 0 with `tune: head`")
        return self


class KernelText(KernelSettings, TextSettings):
    """Kernel ridge regression on the frozen features of a text network.

    `words` is the share that TF-IDF has in the kernel.
    """

    words: Annotated[float, Field(ge=0, lt=1)] = 0.0


class Tfidf(FoldedSettings):
    """TF-IDF of words and characters under a logistic regression."""

    C: Strength
    components: Annotated[int, Field(ge=1, le=10_000)]
    imbalance: Literal["weights", "none"]

    @model_validator(mode="after")
    def _has_no_network(self) -> Self:
        if self.network:
            raise KeyFault(
                "network",
                f"is {self.network!r}; expected '': TF-IDF uses no network (an entry for a "
                "network has `tune`)",
            )
        return self


def kind_of(entry: Any) -> str:
    """Return the name of the kind that an entry is meant as: trained, kernel, tfidf or unknown."""
    if not isinstance(entry, dict):
        return "unknown" if not isinstance(entry, Section) else kind_of(dict(entry))
    if "tune" in entry:
        known = {"full": "trained", "head": "trained", "kernel": "kernel"}
        return known.get(entry["tune"], "unknown") if isinstance(entry["tune"], str) else "unknown"
    # Without `tune` it is TF-IDF, unless `tune` was forgotten or misspelled.
    if "C" in entry or "components" in entry:
        return "tfidf"
    return "kernel" if "gamma" in entry or "penalty" in entry else "trained"


_BY_KIND = Discriminator(
    kind_of, custom_error_type="unknown_tune", custom_error_message="unknown tune"
)
IMAGE_KINDS: dict[str, type[WeightsSource]] = {"trained": TrainedImage, "kernel": KernelImage}
TEXT_KINDS: dict[str, type[WeightsSource]] = {
    "trained": TrainedText,
    "kernel": KernelText,
    "tfidf": Tfidf,
}
ImageModel = Annotated[
    Annotated[TrainedImage, Tag("trained")] | Annotated[KernelImage, Tag("kernel")], _BY_KIND
]
TextModel = Annotated[
    Annotated[TrainedText, Tag("trained")]
    | Annotated[KernelText, Tag("kernel")]
    | Annotated[Tfidf, Tag("tfidf")],
    _BY_KIND,
]
