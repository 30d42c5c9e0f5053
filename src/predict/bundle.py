"""The bundle: one folder with all that a prediction needs, the two chosen models and the fused one.

It holds bundle.json (see `BundleInfo`) and the folders image, text and fused, each with the files
of its model, networks in OpenVINO's format; and ads.parquet and ads.npz, the training ads that are
compared with a listing. Where listings lack photos or texts it holds one model
alone. `src.predict.make_bundle` writes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from src.core.errors import UserError
from src.core.files import read_json
from src.core.schema import Inputs

BUNDLE_FORMAT = 9
_KINDS = ("image", "text", "fused")


class BundleInfo(BaseModel):
    """What bundle.json says.

    Attributes:
        rows: names of the rows by kind, of _KINDS.
        photo_pixels: side of the photos that the image model was fitted on.
        inputs, price, meta_features: what the fused model reads.
        temperature: divides the logarithms of the probabilities of the row that predicts.
        columns: names of a table's columns for id, title, text, price and photo; '' for none.
        files: all other files of the bundle.
        versions: releases of the packages that the models were fitted with.
        fitted_on: how many listings each model, by kind, was fitted on.
        scores_are_of: the models that the results table judges.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: int
    rows: dict[str, str]
    classes: list[str]
    photo_pixels: int
    inputs: Inputs
    price: bool
    meta_features: bool
    temperature: float
    columns: dict[str, str]
    files: list[str]
    versions: dict[str, str]
    fitted_on: dict[str, int]
    scores_are_of: Literal["these models", "the same models, fitted without the test split"]

    @property
    def reads(self) -> tuple[str, ...]:
        """What the models read of a listing, of photo, text and price."""
        read = {"photo": "image" in self.rows, "text": "text" in self.rows, "price": self.price}
        return tuple(name for name, is_read in read.items() if is_read)


def rows_by_kind(image_row: str, text_row: str, fused_row: str) -> dict[str, str]:
    """Return the names of a bundle's rows by kind, without those that are ''."""
    named = dict(zip(_KINDS, (image_row, text_row, fused_row), strict=True))
    return {kind: row for kind, row in named.items() if row}


def predicting_row(rows: Mapping[str, str]) -> tuple[str, str]:
    """Return kind and name of the row that makes predictions: the fused one, or the only one.

    Args:
        rows: of a bundle.
    """
    kind = next(kind for kind in reversed(_KINDS) if kind in rows)
    return kind, rows[kind]


def read_bundle(folder: Path) -> BundleInfo:
    """Read bundle.json and check that the bundle is complete.

    Raises:
        UserError: there is no bundle in the folder, it has another format, or files are missing.
    """
    again = "make the bundle again with `dvc repro bundle`"
    file = folder / "bundle.json"
    if not file.exists():
        raise UserError(
            f"{folder}: there is no bundle; make it with `dvc repro bundle`, or fetch it with "
            "`dvc pull bundle`"
        )
    try:
        content = read_json(file)
        if content["format"] != BUNDLE_FORMAT:
            raise UserError(
                f"{folder} has format {content['format']}; expected {BUNDLE_FORMAT}: {again}"
            )
        info = BundleInfo.model_validate(content)
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{file} is broken; {again}") from error
    for name in info.files:
        if not (folder / name).exists():
            raise UserError(f"{folder / name} is missing, the bundle is incomplete; {again}")
    return info
