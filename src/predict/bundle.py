"""The bundle: one folder with all that a prediction needs, the two chosen models and the fused one.

It holds bundle.json (see `BundleInfo`) and the folders image, text and fused, each with the files
of its model. Where listings lack photos or texts it holds one model alone.
"""

from __future__ import annotations

import shutil
from collections.abc import Collection, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from src.artifacts.model_files import require_known_types
from src.core.errors import UserError
from src.core.files import read_json, replacing, write_json
from src.core.schema import Columns, FusedModel, Inputs

BUNDLE_FORMAT = 5
_KINDS = ("image", "text", "fused")
_COLUMNS = {"id", "title", "text", "price", "photo"}
# Packages whose releases may change a prediction.
_PACKAGES = (
    *("numpy", "pillow", "scikit-learn", "stop-words"),
    *("timm", "tokenizers", "torch", "transformers"),
)


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


def write_bundle(
    data: Path,
    out: Path,
    *,
    rows: Mapping[str, str],
    fused_model: FusedModel | None,
    photo_pixels: int,
    columns: Columns,
    fitted_on: dict[str, int],
    refitted: Path | None = None,
) -> None:
    """Write the folder `out` that `Predictor` reads.

    Args:
        data: the folder with checkpoints and evaluation.
        rows: names of the rows by kind.
        fused_model: settings of the fused row; None for none.
        photo_pixels: side of the packed photos.
        columns: of the user's table.
        fitted_on: how many listings each model was fitted on, by kind.
        refitted: a folder like data/checkpoints with the models fitted on all listings; None: the
            judged models.

    Raises:
        UserError: the models were fitted on different categories, or a file holds types that are
            not known.
    """
    # Imported late, with scikit-learn.
    from src.fusion.heads import HEAD_TYPES

    predicting, predicting_name = predicting_row(rows)
    with replacing(out) as beside:
        for kind, row in rows.items():
            _copy_model((refitted or data / "checkpoints") / row, beside / kind, HEAD_TYPES)
        classes = {kind: read_json(beside / kind / "model.json")["classes"] for kind in rows}
        for kind, row in rows.items():
            if classes[kind] != classes[predicting]:
                raise UserError(
                    f"{row} and {predicting_name} were fitted on different categories; "
                    "run `dvc repro` for all stages"
                )
        info = BundleInfo(
            format=BUNDLE_FORMAT,
            rows=dict(rows),
            classes=classes[predicting],
            photo_pixels=photo_pixels,
            inputs=fused_model.inputs if fused_model else "probs",
            price=bool(fused_model and fused_model.price),
            meta_features=bool(fused_model and fused_model.meta_features),
            temperature=read_json(data / "evaluation" / "temperature.json")[predicting_name],
            columns=columns.model_dump(include=_COLUMNS),
            files=sorted(str(p.relative_to(beside)) for p in beside.rglob("*") if p.is_file()),
            versions={name: version(name) for name in _PACKAGES},
            fitted_on=fitted_on,
            scores_are_of=(
                "the same models, fitted without the test split" if refitted else "these models"
            ),
        )
        write_json(beside / "bundle.json", info.model_dump())


def _copy_model(checkpoint: Path, out: Path, trusted: Collection[type]) -> None:
    # The training curves are no part of the model.
    shutil.copytree(checkpoint, out, ignore=shutil.ignore_patterns("*.csv"))
    for file in out.rglob("model.npz"):
        require_known_types(file, trusted)
