"""From listings to categories with probabilities, in the same way as the pipeline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from src.cleaning.picture import keep_pillow_quiet
from src.cleaning.text import with_words
from src.encoders.common.encoder import EncoderOutput
from src.encoders.text.model import TextClassifier, load_text_model
from src.encoders.text.tokens import rows_with_text
from src.evaluation.calibration import apply_temperature
from src.fusion.blocks import Block, model_columns, price_block
from src.fusion.fused import FusedClassifier
from src.predict.bundle import read_bundle

if TYPE_CHECKING:
    from src.encoders.image.model import ImageClassifier

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
    """

    classes: list[str]
    probs: NDArray[np.float32]
    used: list[str]
    notes: list[str]

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
                "error": np.where(predicted, "", NOTHING_TO_READ),
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
        self.fused = FusedClassifier.load(folder / "fused")
        keep_pillow_quiet()

    @cached_property
    def image(self) -> ImageClassifier:
        from src.encoders.image.model import ImageClassifier

        return ImageClassifier.load(self.folder / "image")

    @cached_property
    def text(self) -> TextClassifier:
        return load_text_model(self.folder / "text")

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
        table = with_words(table)
        notes = list(notes or [""] * len(table))
        blocks = {"photo": self._photo_block(photos), "text": self._text_block(table)}
        if self.info.price:
            blocks["price"] = price_block(table)
        probs = apply_temperature(self.fused.predict_proba(blocks), self.info.temperature)
        used = [""] * len(table)
        for subset, rows in self.fused.answering(blocks):
            for row in np.flatnonzero(rows):
                used[row] = "+".join(subset)
        probs[[not subset for subset in used]] = np.nan
        for row in rows_with_text(table):
            if not blocks["text"].present[row]:
                notes[row] = "; ".join(filter(None, (notes[row], UNKNOWN_TEXT)))
        return ListingPredictions(self.info.classes, probs, used, notes)

    def _photo_block(self, photos: Sequence[NDArray[np.uint8] | None]) -> Block:
        rows = [row for row, photo in enumerate(photos) if photo is not None]
        present = [photo for photo in photos if photo is not None]
        return self._block(len(photos), rows, self.image.score(np.stack(present)) if rows else None)

    def _text_block(self, table: pd.DataFrame) -> Block:
        rows = rows_with_text(table)
        if not len(rows):
            return self._block(len(table), [], None)
        output = self.text.score(table.iloc[rows])
        return self._block(len(table), rows[output.known].tolist(), output.only_known())

    def _block(self, n: int, rows: list[int], output: EncoderOutput | None) -> Block:
        present = np.zeros(n, bool)
        present[rows] = True
        columns = np.zeros((0, 0), np.float32)
        if output is not None:
            columns = model_columns(output.features, output.probs, self.info.inputs)
        x = np.zeros((n, columns.shape[1]), np.float32)
        x[rows] = columns
        return Block(x, present, np.ones(n, bool))
