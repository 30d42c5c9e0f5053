"""From listings to categories with probabilities, in the same way as the pipeline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from src.cleaning.picture import keep_pillow_quiet
from src.cleaning.text import with_words
from src.encoders.text.tokens import rows_with_text
from src.evaluation.calibration import apply_temperature
from src.evaluation.nearest import TrainingAds
from src.fusion.blocks import Block, block_of, price_block
from src.fusion.fused import FusedClassifier
from src.fusion.meta import with_meta
from src.predict.bundle import read_bundle
from src.predict.models import Model, load_model
from src.predict.scored import Scored, ScoredListings

UNKNOWN_TEXT = "text: nothing in it is known to the text model"
NOTHING_TO_READ = "no photo, text or price to predict from"


@dataclass(frozen=True)
class ListingPredictions:
    """What a bundle predicts for N listings.

    Attributes:
        classes: names of the categories, [C].
        probs: calibrated probabilities, [N, C]; NaN where a listing has nothing to predict from.
        used: what each prediction is based on, e.g. photo+text+price; '' where there is none, [N].
        notes: what could not be read of each listing; '' where everything could, [N].
        nothing: why a listing without a prediction has none.
    """

    classes: list[str]
    probs: NDArray[np.float32]
    used: list[str]
    notes: list[str]
    nothing: str = NOTHING_TO_READ

    def table(self) -> pd.DataFrame:
        """Return one row per listing: category, probability, used, note, error, p_<category> …"""
        predicted = np.array([bool(used) for used in self.used], dtype=bool)
        best = np.nan_to_num(self.probs).argmax(1)
        names = [
            self.classes[column] if known else None
            for column, known in zip(best, predicted, strict=True)
        ]
        return pd.DataFrame(
            {
                "category": names,
                "probability": self.probs[np.arange(len(best)), best],
                "used": self.used,
                "note": self.notes,
                "error": np.where(predicted, "", self.nothing),
                **{f"p_{name}": self.probs[:, i] for i, name in enumerate(self.classes)},
            }
        )


class Predictor:
    """The models of a bundle; the image and the text model are loaded when first needed.

    Raises:
        UserError: as `read_bundle`, or a model's file is broken.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.info = read_bundle(folder)
        has_fused = "fused" in self.info.rows
        self.fused = FusedClassifier.load(folder / "fused") if has_fused else None
        keep_pillow_quiet()

    @cached_property
    def image(self) -> Model | None:
        """The image model; None in a bundle without one."""
        return load_model("image", self.folder / "image") if "image" in self.info.rows else None

    @cached_property
    def text(self) -> Model | None:
        """The text model; None in a bundle without one."""
        return load_model("text", self.folder / "text") if "text" in self.info.rows else None

    @cached_property
    def ads(self) -> TrainingAds:
        """The ads that the models were fitted on."""
        return TrainingAds.load(self.folder)

    def load(self, ads: bool) -> None:
        """Read the models, and the training ads if asked for, so that the folder may be deleted."""
        _ = self.image, self.text, ads and self.ads

    @cached_property
    def prior(self) -> NDArray[np.float64]:
        """The share of each class in what the answering model was fitted on, [C]."""
        if self.fused is None:
            return self.ads.prior(self.info.classes)
        shares: NDArray[np.float64] = self.fused.prior_
        return shares

    def predict(
        self,
        table: pd.DataFrame,
        photos: Sequence[NDArray[np.uint8] | None],
        notes: list[str] | None = None,
    ) -> ListingPredictions:
        """Predict the categories of N listings.

        Args:
            table: raw `title` and `text`, contacts redacted, '' where missing; `price`, NaN where
                missing.
            photos: of each listing [S, S, 3] as `decode` returns it for S = `info.photo_pixels`,
                or None.
            notes: for the result, [N]; a text of which nothing is known is noted as well.
        """
        return self.predict_scored(self.score(table, photos), notes)

    def score(
        self, table: pd.DataFrame, photos: Sequence[NDArray[np.uint8] | None]
    ) -> ScoredListings:
        """Score N listings by the image and the text model; arguments as for `predict`."""
        table = with_words(table)
        scores = {"photo": self.score_photos(photos), "text": self.score_texts(table)}
        return ScoredListings(table, scores)

    def predict_scored(
        self, listings: ScoredListings, notes: list[str] | None = None
    ) -> ListingPredictions:
        """Predict the categories of scored listings; `notes` as for `predict`."""
        notes = list(notes or [""] * len(listings.table))
        if self.text is not None:
            for row in set(rows_with_text(listings.table)) - set(listings.scores["text"].rows):
                notes[row] = "; ".join(filter(None, (notes[row], UNKNOWN_TEXT)))
        probs, used = self.answer(listings)
        nothing = NOTHING_TO_READ if self.fused else f"no {self.info.reads[0]} to predict from"
        return ListingPredictions(self.info.classes, probs, used, notes, nothing)

    def answer(
        self, listings: ScoredListings, hidden: frozenset[str] = frozenset()
    ) -> tuple[NDArray[np.float32], list[str]]:
        """Return calibrated probabilities and what they are based on.

        Args:
            hidden: of photo, text and price, what is ignored as if every listing lacked it.

        Returns:
            [N, C] with NaN where there is nothing to predict from, and [N] as in
            `ListingPredictions.used`.
        """
        n = len(listings.table)
        if self.fused is None:
            (modality,) = self.info.reads
            shown = Scored([], None) if modality in hidden else listings.scores[modality]
            return self._of_one_model(modality, shown, n)
        blocks = {name: self._block(n, scores) for name, scores in listings.scores.items()}
        if self.info.meta_features:
            blocks["text"] = with_meta(blocks["text"], listings.table)
        if self.info.price:
            blocks["price"] = price_block(listings.table)
        probs = apply_temperature(self.fused.predict_proba(blocks, hidden), self.info.temperature)
        used = [""] * n
        for subset, rows in self.fused.answering(blocks, hidden):
            for row in np.flatnonzero(rows):
                used[row] = "+".join(subset)
        probs[[not subset for subset in used]] = np.nan
        return probs, used

    def score_photos(self, photos: Sequence[NDArray[np.uint8] | None]) -> Scored:
        """Score those of N photos that are there, as for `predict`."""
        rows = [row for row, photo in enumerate(photos) if photo is not None]
        if not rows or self.image is None:
            return Scored([], None)
        present = [photo for photo in photos if photo is not None]
        return Scored(rows, self.image.score(np.stack(present)))

    def score_texts(self, table: pd.DataFrame) -> Scored:
        """Score those of N listings with words that have a text with something known in it."""
        rows = rows_with_text(table)
        if not len(rows) or self.text is None:
            return Scored([], None)
        output = self.text.score(table.iloc[rows])
        if not output.known.any():
            return Scored([], None)
        return Scored(rows[output.known].tolist(), output.only_known())

    def _of_one_model(
        self, modality: str, scored: Scored, n: int
    ) -> tuple[NDArray[np.float32], list[str]]:
        """Return the probabilities [N, C] and what they are based on, without a fused model."""
        probs = np.full((n, len(self.info.classes)), np.nan, np.float32)
        if scored.output is not None:
            probs[scored.rows] = apply_temperature(scored.output.probs, self.info.temperature)
        has = set(scored.rows)
        return probs, [modality if row in has else "" for row in range(n)]

    def _block(self, n: int, scored: Scored) -> Block:
        unseen = np.ones(n, bool)
        if scored.output is None:
            nothing = np.zeros((n, 0), np.float32)
            return Block(nothing, nothing, ~unseen, unseen)
        rows = np.array(scored.rows, dtype=np.intp)
        features, probs = scored.output.features, scored.output.probs
        return block_of(n, rows, features, probs, self.info.inputs, unseen)
