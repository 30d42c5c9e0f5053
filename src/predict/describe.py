"""What a bundle says about itself: the model card, and the reference for new ads."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from src.core.files import read_json
from src.predict.bundle import BundleInfo, predicting_row
from src.predict.card import CARD, card_text
from src.predict.reference import write_reference


def describe_bundle(
    bundle: Path,
    info: BundleInfo,
    data: Path,
    table: pd.DataFrame,
    metrics: Path,
    category_column: str,
    source: str,
) -> None:
    """Write the model card and the reference into the folder of a bundle.

    Args:
        data: the folder with evaluation and weights.
        table: the prepared listings.
        metrics: the folder with the scores of the row that predicts.
        category_column: of the user's table.
        source: where the listings come from, collect.source.
    """
    kind, row = predicting_row(info.rows)
    scores = read_json(metrics / kind / f"{row}.json")
    answers = pd.read_parquet(data / "evaluation" / "predictions.parquet")
    write_reference(bundle, table, answers[answers["row"] == row], scores, category_column)
    per_class = pd.read_csv(
        metrics / "per_class.csv", dtype={"category": str, "row": str}, keep_default_na=False
    )
    weights = {
        name: read_json(data / "weights" / name / "source.json")
        for kind, name in info.rows.items()
        if kind != "fused"
    }
    text = card_text(info, table, scores, per_class[per_class["row"] == row], weights, source)
    (bundle / CARD).write_text(text, encoding="utf-8")
