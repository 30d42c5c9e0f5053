"""From listings to categories with probabilities, on the path the models were fitted on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from src.cleaning.picture import keep_pillow_quiet
from src.cleaning.text import with_words
from src.core.errors import UserError
from src.core.files import read_json
from src.encoders.text.tokens import rows_with_text
from src.evaluation.calibration import apply_temperature
from src.fusion.blocks import Block, model_columns, price_block
from src.fusion.fused import load_fused
from src.predict.bundle import FORMAT
from src.predict.models import PhotoModel, Scores, TextNetworkModel, WordsModel, text_model

NOTHING = "neither photo, text nor price to go by"


@dataclass(frozen=True)
class Answers:
    """What a bundle says of N listings.

    Attributes:
        classes: names of the categories, [C].
        probs: calibrated probabilities, [N, C]; NaN where a listing has nothing to go by.
        used: what each answer rests on, e.g. photo+text+price; empty where there is none, [N].
    """

    classes: list[str]
    probs: NDArray[np.float32]
    used: list[str]

    def table(self, notes: Sequence[str]) -> pd.DataFrame:
        """Return one row per listing: category, probability, used, note, error, p_<category> …

        Args:
            notes: what of each listing could not be read, [N]; empty where nothing.
        """
        answered = np.array([bool(used) for used in self.used], dtype=bool)
        best = np.nan_to_num(self.probs).argmax(1)
        names = [
            self.classes[column] if reading else None
            for column, reading in zip(best, self.used, strict=True)
        ]
        return pd.DataFrame(
            {
                "category": names,
                "probability": self.probs[np.arange(len(best)), best],
                "used": self.used,
                "note": list(notes),
                "error": np.where(answered, "", NOTHING),
                **{f"p_{name}": self.probs[:, i] for i, name in enumerate(self.classes)},
            }
        )


class Predictor:
    """A bundle, ready to answer; the image and the text model are read when first needed.

    Raises:
        UserError: there is no bundle in the folder, it is of another format, or incomplete.
    """

    def __init__(self, folder: Path) -> None:
        if not (folder / "bundle.json").exists():
            raise UserError(
                f"{folder}: there is no bundle; make it with `dvc repro bundle`, or fetch it with "
                "`dvc pull bundle`"
            )
        self.about: dict[str, Any] = read_json(folder / "bundle.json")
        if self.about["format"] != FORMAT:
            raise UserError(
                f"{folder} has format {self.about['format']}; expected {FORMAT}: make it anew with "
                "`dvc repro bundle`"
            )
        self.folder = folder
        self.classes: list[str] = self.about["classes"]
        self.photo_size: int = self.about["photo_size"]
        for name in self.about["files"]:
            if not (folder / name).exists():
                raise UserError(
                    f"{folder / name} is missing, the bundle is not whole; "
                    "make it anew with `dvc repro bundle`"
                )
        self.fused = load_fused(folder / "fused")
        keep_pillow_quiet()

    @cached_property
    def image(self) -> PhotoModel:
        return PhotoModel(self.folder / "image")

    @cached_property
    def text(self) -> TextNetworkModel | WordsModel:
        return text_model(self.folder / "text")

    def predict(self, table: pd.DataFrame, photos: Sequence[NDArray[np.uint8] | None]) -> Answers:
        """Answer N listings.

        Args:
            table: raw `title` and `text`, contacts redacted, empty where missing; `price`, NaN
                where missing.
            photos: of each listing [S, S, 3] as `decode` gives it for `photo_size`, or None.
        """
        table = with_words(table)
        blocks = {"photo": self._photo_block(photos), "text": self._text_block(table)}
        if self.about["price"]:
            blocks["price"] = price_block(table)
        probs = calibrate(self.fused.predict_proba(blocks), self.about["temperature"])
        used = [""] * len(table)
        for subset, rows in self.fused.answering(blocks):
            for row in np.flatnonzero(rows):
                used[row] = "+".join(subset)
        probs[[not reading for reading in used]] = np.nan
        return Answers(self.classes, probs, used)

    def _photo_block(self, photos: Sequence[NDArray[np.uint8] | None]) -> Block:
        rows = [row for row, photo in enumerate(photos) if photo is not None]
        there = [photo for photo in photos if photo is not None]
        return self._block(len(photos), rows, self.image.score(np.stack(there)) if rows else None)

    def _text_block(self, table: pd.DataFrame) -> Block:
        rows = rows_with_text(table).tolist()
        return self._block(len(table), rows, self.text.score(table.iloc[rows]) if rows else None)

    def _block(self, n: int, rows: list[int], scores: Scores | None) -> Block:
        present = np.zeros(n, bool)
        present[rows] = True
        columns = np.zeros((0, 0), np.float32)
        if scores is not None:
            columns = model_columns(*scores, self.about["inputs"])
        x = np.zeros((n, columns.shape[1]), np.float32)
        x[rows] = columns
        return Block(x, present, np.ones(n, bool))


def calibrate(probs: NDArray[np.float32], temperature: float) -> NDArray[np.float32]:
    """Return probabilities [N, C] as judging calibrates them; as they are where it did not."""
    return probs if temperature == 1.0 else apply_temperature(probs, temperature)
