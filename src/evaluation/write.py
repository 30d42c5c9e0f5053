"""Writing an evaluation: the folder metrics, which is in git, and data/evaluation."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd

from src.core.files import replacing, write_json
from src.evaluation.audit import audit_markdown
from src.evaluation.evaluate import Evaluation
from src.evaluation.reading import few_listings_note
from src.evaluation.table import results_markdown

_KINDS = ("image", "text", "fused", "leaky")
_PLOTS = ("curves", "confusion", "reliability", "abstain")


def write_evaluation(evaluation: Evaluation, metrics: Path, data: Path) -> None:
    """Write all files of an evaluation; equal evaluations give equal bytes.

    Args:
        metrics: the folder of scores and of the data of plots; files of other rows are removed.
        data: the folder of predictions for single listings, which stays out of git.
    """
    for name in (*_KINDS, *_PLOTS):
        shutil.rmtree(metrics / name, ignore_errors=True)
        # DVC expects each of these folders, even an empty one.
        (metrics / name).mkdir(parents=True)
    for row in evaluation.rows:
        write_json(metrics / row.kind / f"{row.row}.json", row.scores)
    honest = evaluation.honest
    for row in honest:
        _write_csv(row.confusion, metrics / "confusion" / f"{row.row}.csv")
        _write_csv(row.reliability, metrics / "reliability" / f"{row.row}.csv")
        _write_csv(row.abstain, metrics / "abstain" / f"{row.row}.csv")
    for name, curves in evaluation.curves.items():
        _write_csv(curves, metrics / "curves" / f"{name}.csv")
    _write_csv(pd.concat([row.per_class for row in honest]), metrics / "per_class.csv")
    _write_csv(evaluation.pairs, metrics / "pairs.csv")
    _write_csv(evaluation.table, metrics / "table.csv")
    write_json(metrics / "ceilings.json", evaluation.ceilings)
    write_json(metrics / "audit.json", evaluation.audit)
    _write_text(audit_markdown(evaluation.audit), metrics / "audit.md")
    text = results_markdown(evaluation.table, evaluation.ceilings, evaluation.pairs)
    if note := few_listings_note(honest[0].per_class["n"].to_numpy()):
        text += f"\n{note}\n"
    if evaluation.corrections:
        text += "\nCorrections:\n\n" + "".join(f"- {line}\n" for line in evaluation.corrections)
    _write_text(text, metrics / "table.md")

    likeliest = pd.concat([row.likeliest for row in honest], ignore_index=True)
    _write_parquet(likeliest, data / "predictions.parquet")
    _write_parquet(evaluation.label_errors, data / "label_errors.parquet")
    _write_parquet(evaluation.nearest, data / "nearest.parquet")
    temperatures = {row.row: row.scores["temperature"] for row in honest}
    write_json(data / "temperature.json", temperatures)


def _write_csv(table: pd.DataFrame, path: Path) -> None:
    with replacing(path) as beside:
        table.to_csv(beside, index=False, float_format="%.6f")


def _write_parquet(table: pd.DataFrame, path: Path) -> None:
    with replacing(path) as beside:
        table.to_parquet(beside, index=False)


def _write_text(text: str, path: Path) -> None:
    with replacing(path) as beside:
        beside.write_text(text, encoding="utf-8")
