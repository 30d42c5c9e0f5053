"""What params.yaml may say: every key with its type, range and meaning for the code that reads it.

`src.core.params` reads the file by this; what each key means to a user stands in params.yaml.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    StringConstraints,
    Tag,
    field_validator,
    model_validator,
)

Share = Annotated[float, Field(ge=0, le=1)]
Seconds = Annotated[float, Field(ge=0, le=86_400)]
Positive = Annotated[float, Field(gt=0)]
# A row's name becomes the name of folders and files.
RowName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")]
Inputs = Literal["features", "probs", "both"]
Imbalance = Literal["weights", "sampler", "none"]


class Section(BaseModel):
    """A part of params.yaml: no unknown keys, no value of another type, no change afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Rows(Section):
    """The rows of the results table by kind."""

    image: list[RowName] = Field(min_length=1)
    text: list[RowName] = Field(min_length=1)
    fused: list[RowName] = Field(min_length=1)


class Faults(Section):
    """How often the demo's site misbehaves, each as the share of addresses that it strikes."""

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
        _require_sum_at_most_1(self, kinds)
        return self


class Demo(Section):
    """How many listings the simulated marketplace has, and the share that has each defect."""

    listings: Annotated[int, Field(ge=1)]
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
        _require_sum_at_most_1(self, ("no_photo", "dull_photo", "broken_photo"))
        _require_sum_at_most_1(self, ("dull_text", "no_text"))
        return self


class Avito(Section):
    """What is asked of the real site; 0 and '' are no limits."""

    starts: list[str] = Field(min_length=1)
    limit: Annotated[int, Field(ge=0)]
    per_category: Annotated[int, Field(ge=0)]
    since: str
    fetch: bool

    @field_validator("since")
    @classmethod
    def _is_a_date(cls, since: str) -> str:
        if since:
            try:
                date.fromisoformat(since)
            except ValueError:
                raise ValueError("expected a date such as 2026-01-31, or ''") from None
        return since


class Crawl(Section):
    """How politely a site is asked."""

    page_delay_s: Seconds
    photo_delay_s: Seconds
    jitter: Annotated[float, Field(ge=0, le=10)]
    at_once: Annotated[int, Field(ge=1, le=64)]
    timeout_s: Annotated[float, Field(gt=0, le=3600)]
    attempts: Annotated[int, Field(ge=1, le=100)]
    longest_pause_s: Seconds
    give_up_after: Annotated[int, Field(ge=1)]
    redirects: Annotated[int, Field(ge=0, le=20)]
    photo_max_bytes: Annotated[int, Field(ge=1)]


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
        if not self.title and not self.text:
            raise ValueError("title and text are both ''; expected the name of at least one column")
        return self


class Table(Section):
    """The user's own file of listings and folder of photos, both inside `folder`."""

    folder: Annotated[str, Field(min_length=1)]
    path: Annotated[str, Field(min_length=1)]
    photos: str
    columns: Columns


class Collect(Section):
    """Where listings come from."""

    source: Literal["demo", "table", "avito"]
    demo: Demo
    avito: Avito
    crawl: Crawl
    table: Table


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

    min_per_category: Annotated[int, Field(ge=1)]
    split: Literal["random", "time", "folds"]
    folds: Annotated[int, Field(ge=3, le=100)]
    parts: Parts
    text_similarity: Annotated[float, Field(gt=0, le=1)]
    photo_bits: Annotated[int, Field(ge=0, le=64)]
    crossing: Literal["refuse", "drop"]
    shuffle_labels: bool


class WeightsSource(Section):
    """A network and where its first weights come from; '' and none where a row has no network."""

    network: str
    weights: Literal["random", "package", "hub", "none"]
    revision: str | None = None


class ModelSettings(Section):
    """What every image and text model has; `folds`: 0, or K for out-of-fold outputs."""

    offline: WeightsSource | None = None
    hub: WeightsSource | None = None
    folds: Annotated[int, Field(ge=0, le=100)]

    @field_validator("folds")
    @classmethod
    def _none_or_several(cls, folds: int) -> int:
        if folds == 1:
            raise ValueError("expected 0 (none) or at least 2")
        return folds


class NetworkSettings(ModelSettings):
    """What every network has, whatever is fitted of it."""

    # One row alone has no variance to normalise by.
    batch: Annotated[int, Field(ge=2)]


class EpochSettings(NetworkSettings):
    """Settings of what is fitted in epochs."""

    epochs: Annotated[int, Field(ge=1)]
    patience: Annotated[int, Field(ge=1)]
    lr: Positive
    weight_decay: Annotated[float, Field(ge=0)]
    dropout: Annotated[float, Field(ge=0, lt=1)]
    imbalance: Imbalance


class KernelSettings(NetworkSettings):
    """Settings of kernel ridge regression on frozen features, which is fitted in one step."""

    tune: Literal["kernel"]
    gamma: Positive
    penalty: Positive
    # There are no batches to draw a sample into.
    imbalance: Literal["weights", "none"]


class ImageSettings(Section):
    """How an image network reads photos."""

    pixels: Annotated[int, Field(ge=16, le=1024)]
    augment: Literal["none", "albumentations"]
    views: Annotated[int, Field(ge=0, le=100)]


class TrainedImage(EpochSettings, ImageSettings):
    """An image network fitted whole, or a head on the frozen features of one."""

    tune: Literal["full", "head"]

    @model_validator(mode="after")
    def _views_to_learn_from(self) -> Self:
        if self.tune == "head" and self.augment != "none" and self.views < 1:
            raise ValueError(
                f"views is {self.views}; expected at least 1 where only the head is tuned and "
                "photos are augmented"
            )
        return self


class KernelImage(KernelSettings, ImageSettings):
    """Kernel ridge regression on the frozen features of an image network."""


class TextSettings(Section):
    """How a text network reads texts."""

    # [CLS], [SEP] and [SEP] are there already.
    max_tokens: Annotated[int, Field(ge=4)]


class TrainedText(EpochSettings, TextSettings):
    """A text network fitted whole, or a head on the frozen features of one."""

    tune: Literal["full", "head"]


class KernelText(KernelSettings, TextSettings):
    """Kernel ridge regression on the frozen features of a text network.

    `words` is the share that TF-IDF has in the kernel.
    """

    words: Annotated[float, Field(ge=0, lt=1)] = 0.0


class Tfidf(ModelSettings):
    """TF-IDF of words and characters under a logistic regression."""

    C: Positive
    components: Annotated[int, Field(ge=1)]
    imbalance: Literal["weights", "none"]


def _kind_of(entry: Any) -> str:
    """Which of the sections below an entry is meant as."""
    tune = entry.get("tune") if isinstance(entry, dict) else getattr(entry, "tune", None)
    if tune is None:
        return "tfidf"
    return "kernel" if tune == "kernel" else "trained"


ImageModel = Annotated[
    Annotated[TrainedImage, Tag("trained")] | Annotated[KernelImage, Tag("kernel")],
    Discriminator(lambda entry: "kernel" if _kind_of(entry) == "kernel" else "trained"),
]
TextModel = Annotated[
    Annotated[TrainedText, Tag("trained")]
    | Annotated[KernelText, Tag("kernel")]
    | Annotated[Tfidf, Tag("tfidf")],
    Discriminator(_kind_of),
]


class FusedModel(Section):
    """A head over what the two chosen models say; `settings` go to scikit-learn."""

    head: Literal["nn", "logreg", "knn", "random_forest", "stack"]
    inputs: Inputs
    price: bool
    settings: dict[str, Any]

    @model_validator(mode="after")
    def _stack_weighs_probabilities(self) -> Self:
        if self.head == "stack" and self.inputs != "probs":
            raise ValueError(
                f"inputs is {self.inputs}; the head stack weighs probabilities alone: "
                "expected probs, or another head"
            )
        return self


class Leaky(Section):
    """The row that is leaky on purpose: the share its fresh split is judged on."""

    inputs: Inputs
    share: Annotated[float, Field(gt=0, lt=1)]
    settings: dict[str, Any]


class Trainer(Section):
    """On what, how exactly and by how many processes networks are fitted."""

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
    seed: Annotated[int, Field(ge=0, lt=2**32)]
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
        for kind, entries in (("image", self.image_models), ("text", self.text_models)):
            for row in getattr(self.rows, kind):
                if getattr(entries[row], self.weights) is None:
                    raise ValueError(
                        f"{kind}_models.{row} has no `{self.weights}` entry, which `weights: "
                        f"{self.weights}` reads; expected one with `network` and `weights`"
                    )
        return self


def _require_sum_at_most_1(section: Section, names: tuple[str, ...]) -> None:
    total = sum(getattr(section, name) for name in names)
    if total > 1:
        raise ValueError(f"{' + '.join(names)} is {total:g}; expected at most 1: lower one of them")
