"""What earlier stages left for the report, read into one place."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from src.core.files import read_json
from src.core.listings import PREPARED, read_listings
from src.evaluation.choice import chosen_row

# Columns of names; a category may be called NA, or 2022.
NAMES = ("row", "kind", "against", "category", "actual", "predicted", "sentence", "weights")


Record = dict[Hashable, Any]


@dataclass(frozen=True)
class Results:
    """All that the page is made from.

    Attributes:
        table, per_class, pairs: metrics/*.csv.
        scores: every score of each row, by row.
        curves, confusion, reliability, abstain: metrics/<name>/<row>.csv, by row.
        ceilings: the best possible scores of the demo, by what may be read; {} for real listings.
        audit: the leakage audit, Markdown.
        predictions, label_errors, nearest: data/evaluation/*.parquet.
        listings: the prepared listings.
        photos: uint8 [M, size, size, 3], RGB; `photo_row` of the listings points into it.
        notes: what the stage prepare counted.
        rejected, noted: what the stage collect left out or only noted: id, reason, detail.
    """

    table: pd.DataFrame
    per_class: pd.DataFrame
    pairs: pd.DataFrame
    scores: dict[str, dict[str, float]]
    curves: dict[str, pd.DataFrame]
    confusion: dict[str, pd.DataFrame]
    reliability: dict[str, pd.DataFrame]
    abstain: dict[str, pd.DataFrame]
    ceilings: dict[str, dict[str, float]]
    audit: str
    predictions: pd.DataFrame
    label_errors: pd.DataFrame
    nearest: pd.DataFrame
    listings: pd.DataFrame
    photos: NDArray[np.uint8]
    notes: dict[str, Any]
    rejected: pd.DataFrame
    noted: pd.DataFrame

    @property
    def honest(self) -> pd.DataFrame:
        """The table without the row that is leaky on purpose."""
        return self.table[self.table["kind"] != "leaky"]

    @property
    def chosen(self) -> str:
        """The row to choose: the honest one of the highest macro F1 on val."""
        return chosen_row(self.table)

    @property
    def explained(self) -> str:
        """The fused row of the highest macro F1 on val; '' where there is none."""
        fused = self.table[self.table["kind"] == "fused"]
        return chosen_row(fused) if len(fused) else ""

    @property
    def kinds(self) -> dict[str, str]:
        """The kind of each row: image, text, fused or leaky."""
        return dict(zip(self.table["row"], self.table["kind"], strict=True))


def read_results(metrics: Path, data: Path) -> Results:
    """Read `metrics` and, of `data`, the folders evaluation, prepared, packed and raw/notes."""
    table = _read_csv(metrics / "table.csv")
    rows = table["row"].tolist()
    return Results(
        table=table,
        per_class=_read_csv(metrics / "per_class.csv"),
        pairs=_read_csv(metrics / "pairs.csv"),
        scores={
            row: read_json(metrics / kind / f"{row}.json")
            for row, kind in zip(rows, table["kind"], strict=True)
        },
        curves=_read_rows(metrics / "curves", rows),
        confusion=_read_rows(metrics / "confusion", rows),
        reliability=_read_rows(metrics / "reliability", rows),
        abstain=_read_rows(metrics / "abstain", rows),
        ceilings=read_json(metrics / "ceilings.json"),
        audit=(metrics / "audit.md").read_text(encoding="utf-8"),
        predictions=pd.read_parquet(data / "evaluation" / "predictions.parquet"),
        label_errors=pd.read_parquet(data / "evaluation" / "label_errors.parquet"),
        nearest=pd.read_parquet(data / "evaluation" / "nearest.parquet"),
        listings=read_listings(data / "prepared" / "listings.parquet", PREPARED),
        photos=np.load(data / "packed" / "photos.npy", mmap_mode="r", allow_pickle=False),
        notes=read_json(data / "prepared" / "notes.json"),
        rejected=_read_csv(data / "raw" / "notes" / "rejected.csv"),
        noted=_read_csv(data / "raw" / "notes" / "noted.csv"),
    )


def _read_rows(folder: Path, rows: list[str]) -> dict[str, pd.DataFrame]:
    """Read the files that there are, in the table's order."""
    files = {row: folder / f"{row}.csv" for row in rows}
    return {row: _read_csv(file) for row, file in files.items() if file.exists()}


def _read_csv(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, dtype=dict.fromkeys(NAMES, str), keep_default_na=False, na_values=[""])
