"""The bundle: one folder with all that a prediction needs, the two chosen models and the fused one.

It holds bundle.json (see `BundleInfo`) and the folders image, text and fused, each with the files
of its model.
"""

from __future__ import annotations

import shutil
from collections.abc import Collection
from importlib.metadata import version
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from src.artifacts.model_files import require_known_types
from src.core.errors import UserError
from src.core.files import read_json, replacing, write_json
from src.core.schema import Columns, FusedModel, Inputs

BUNDLE_FORMAT = 2
_KINDS = ("image", "text", "fused")
_COLUMNS = {"id", "title", "text", "price", "photo"}
# Packages whose releases may change a prediction.
_PACKAGES = (
    *("numpy", "pillow", "scikit-learn", "skops", "stop-words"),
    *("timm", "tokenizers", "torch", "transformers"),
)


class BundleInfo(BaseModel):
    """What bundle.json says.

    Attributes:
        rows: names of the rows, by _KINDS.
        photo_pixels: side of the photos that the image model was fitted on.
        inputs, price: what the fused model reads.
        temperature: divides the logarithms of the fused model's probabilities.
        columns: names of a table's columns for id, title, text, price and photo; '' for none.
        files: all other files of the bundle.
        versions: releases of the packages that the models were fitted with.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: int
    rows: dict[str, str]
    classes: list[str]
    photo_pixels: int
    inputs: Inputs
    price: bool
    temperature: float
    columns: dict[str, str]
    files: list[str]
    versions: dict[str, str]


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
    image_row: str,
    text_row: str,
    fused_row: str,
    fused_model: FusedModel,
    photo_pixels: int,
    columns: Columns,
) -> None:
    """Write the folder `out` that `Predictor` reads.

    Args:
        data: the folder with checkpoints and evaluation.
        fused_model: settings of the fused row.
        photo_pixels: side of the packed photos.
        columns: of the user's table.

    Raises:
        UserError: the three models were fitted on different categories, or a file holds types
            that are not known.
    """
    # Imported late, with scikit-learn.
    from src.fusion.heads import HEAD_TYPES

    rows = dict(zip(_KINDS, (image_row, text_row, fused_row), strict=True))
    trusted = {"image": (), "text": (), "fused": HEAD_TYPES}
    with replacing(out) as beside:
        for kind, row in rows.items():
            _copy_model(data / "checkpoints" / row, beside / kind, trusted[kind])
        classes = {kind: read_json(beside / kind / "model.json")["classes"] for kind in _KINDS}
        for kind, row in rows.items():
            if classes[kind] != classes["fused"]:
                raise UserError(
                    f"{row} and {fused_row} were fitted on different categories; "
                    "run `dvc repro` for all stages"
                )
        info = BundleInfo(
            format=BUNDLE_FORMAT,
            rows=rows,
            classes=classes["fused"],
            photo_pixels=photo_pixels,
            inputs=fused_model.inputs,
            price=fused_model.price,
            temperature=read_json(data / "evaluation" / "temperature.json")[fused_row],
            columns=columns.model_dump(include=_COLUMNS),
            files=sorted(str(p.relative_to(beside)) for p in beside.rglob("*") if p.is_file()),
            versions={name: version(name) for name in _PACKAGES},
        )
        write_json(beside / "bundle.json", info.model_dump())


def _copy_model(checkpoint: Path, out: Path, trusted: Collection[type]) -> None:
    # The training curves are no part of the model.
    shutil.copytree(checkpoint, out, ignore=shutil.ignore_patterns("*.csv"))
    if (out / "model.skops").exists():
        require_known_types(out / "model.skops", trusted)
