"""Gather what predictions need of fitted models into a bundle."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from src.artifacts.outputs import RowOutput
from src.core.errors import UserError
from src.core.files import read_json, replacing, write_json
from src.core.schema import Columns, FusedModel
from src.encoders.text.tokens import rows_with_text
from src.evaluation.nearest import training_ads
from src.predict.bundle import BUNDLE_FORMAT, BundleInfo, predicting_row
from src.predict.export import export_model
from src.predict.listings import BATCH_LISTINGS
from src.predict.models import load_model
from src.predict.same_answers import require_same_answers

_COLUMNS = {"id", "title", "text", "price", "photo"}
# Packages whose releases may change a prediction.
_PACKAGES = ("numpy", "openvino", "pillow", "scikit-learn", "stop-words", "tokenizers")


def write_bundle(
    data: Path,
    out: Path,
    table: pd.DataFrame,
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
        data: the folder with checkpoints, embeddings, evaluation and packed photos.
        table: the prepared listings; some are predicted to compare the bundle with the models.
        rows: names of the rows by kind.
        fused_model: settings of the fused row; None for none.
        photo_pixels: side of the packed photos.
        columns: of the user's table.
        fitted_on: how many listings each model was fitted on, by kind.
        refitted: a folder like data/checkpoints with the models fitted on all listings; None: the
            judged models.

    Raises:
        UserError: the models were fitted on different categories, a file holds types that are not
            known, or the bundle predicts otherwise than its models.
    """
    _, predicting = predicting_row(rows)
    fitted = refitted or data / "checkpoints"
    classes = {row: read_json(fitted / row / "model.json")["classes"] for row in rows.values()}
    for row, own in classes.items():
        if own != classes[predicting]:
            raise UserError(
                f"{row} and {predicting} were fitted on different categories; "
                "run `dvc repro` for all stages"
            )
    with replacing(out) as beside:
        for kind, row in rows.items():
            export_model(kind, fitted / row, beside / kind, photo_pixels)
        of_models = {
            name: _features(kind, rows[kind], data, beside / kind, table)
            for name, kind in (("photo", "image"), ("text", "text"))
            if kind in rows
        }
        learned_from = table if refitted else table[table["split"] != "test"]
        training_ads(learned_from, of_models).save(beside)
        info = BundleInfo(
            format=BUNDLE_FORMAT,
            rows=dict(rows),
            classes=classes[predicting],
            photo_pixels=photo_pixels,
            inputs=fused_model.inputs if fused_model else "probs",
            price=bool(fused_model and fused_model.price),
            meta_features=bool(fused_model and fused_model.meta_features),
            temperature=read_json(data / "evaluation" / "temperature.json")[predicting],
            columns=columns.model_dump(include=_COLUMNS),
            files=sorted(str(p.relative_to(beside)) for p in beside.rglob("*") if p.is_file()),
            versions={name: version(name) for name in _PACKAGES},
            fitted_on=fitted_on,
            scores_are_of=(
                "the same models, fitted without the test split" if refitted else "these models"
            ),
        )
        write_json(beside / "bundle.json", info.model_dump())
        require_same_answers(beside, fitted, table, data / "packed" / "photos.npy")


def _features(
    kind: str, row: str, data: Path, model: Path, table: pd.DataFrame
) -> tuple[NDArray[np.str_], NDArray[np.float32]]:
    """Return ids [M] and features [M, D] of the listings that the bundle's model knows.

    Frozen features are those that the judged row had; others have to be computed.
    """
    output = RowOutput.load(data / "embeddings" / row).full
    if output.frozen:
        return output.ids, output.features
    if kind == "image":
        rows = np.flatnonzero(table["photo_row"] >= 0)
        packed = np.load(data / "packed" / "photos.npy", mmap_mode="r")
    else:
        rows = rows_with_text(table)
    loaded, ids, features = load_model(kind, model), [], []
    for some in np.split(rows, range(BATCH_LISTINGS, len(rows), BATCH_LISTINGS)):
        read = table.iloc[some]
        scored = loaded.score(packed[read["photo_row"].to_numpy()] if kind == "image" else read)
        ids.append(read["id"].to_numpy(dtype=str)[scored.known])
        features.append(scored.features[scored.known])
    return np.concatenate(ids), np.concatenate(features)
