"""Every row's scores, pictures' data and the table, from what the rows said of the listings."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from src.artifacts.outputs import RowOutput
from src.core.files import read_json, replacing, write_json
from src.core.listings import labels_of
from src.evaluation.abstain import accuracy_by_share, drawn
from src.evaluation.audit import audit, audit_markdown, audit_planted
from src.evaluation.calibration import reliability
from src.evaluation.ceilings import ceilings
from src.evaluation.judged import Judged, measure
from src.evaluation.label_errors import find_label_errors, unseen_probs
from src.evaluation.paired import compare
from src.evaluation.read import read_judged
from src.evaluation.scores import per_class
from src.evaluation.table import results_table, to_markdown

KINDS = ("image", "text", "fused", "leaky")
PICTURES = ("curves", "confusion", "reliability", "abstain")


def evaluate(
    table: pd.DataFrame, data: Path, params: dict[str, Any], truth: pd.DataFrame | None, out: Path
) -> pd.DataFrame:
    """Judge every row on the test part; write `out`, the metrics, and `data`/judged.

    What is written per listing stays in `data`/judged, for the metrics are in git.

    Args:
        table: the prepared listings.
        data: the folder with prepared, weights, checkpoints, embeddings and predictions.
        params: rows, model, text_model and seed of params.yaml.
        truth: what the demo planted; None for real listings.

    Returns:
        The results table, one line per row.

    Raises:
        LeakError: a row's encoder was fitted on a listing of the test part.
    """
    seed = params["seed"]
    for name in (*KINDS, *PICTURES):
        shutil.rmtree(out / name, ignore_errors=True)
        # DVC expects each of them, also where there is nothing to put in it.
        (out / name).mkdir(parents=True)

    rows = read_judged(table, data, params)
    calibrated = {judged.row: judged.calibrated(seed) for judged in rows}
    scores = {judged.row: measure(judged, calibrated[judged.row], seed) for judged in rows}
    for judged in rows:
        write_json(out / judged.kind / f"{judged.row}.json", scores[judged.row])
    honest = [judged for judged in rows if judged.kind != "leaky"]
    for judged in honest:
        _write_pictures(judged, calibrated[judged.row], data, out)
    per_category = [
        per_class(judged.actual, judged.predicted).assign(row=judged.row) for judged in honest
    ]
    _write_csv(pd.concat(per_category), out / "per_class.csv")
    said = [_said(judged, calibrated[judged.row]) for judged in honest]
    _write_parquet(pd.concat(said, ignore_index=True), data / "judged" / "predictions.parquet")

    # For predictions on new listings.
    temperatures = {judged.row: scores[judged.row]["temperature"] for judged in honest}
    write_json(data / "judged" / "temperature.json", temperatures)

    inputs = (params["model"], params["text_model"])
    pairs = compare(
        honest[0].actual,
        {judged.row: judged.predicted for judged in honest},
        honest[0].groups,
        {judged.row: inputs for judged in honest if judged.kind == "fused"},
        seed,
    )
    _write_csv(pairs, out / "pairs.csv")

    found = _audit(table, data, params, truth, scores)
    write_json(out / "audit.json", found)
    _write_text(audit_markdown(found), out / "audit.md")

    results = results_table(
        [
            {"row": judged.row, "kind": judged.kind, "weights": judged.weights} | scores[judged.row]
            for judged in rows
        ]
    )
    best = ceilings(table, truth) if truth is not None else {}
    write_json(out / "ceilings.json", best)
    _write_csv(results, out / "table.csv")
    _write_text(to_markdown(results, best, pairs), out / "table.md")
    return results


def _audit(
    table: pd.DataFrame,
    data: Path,
    params: dict[str, Any],
    truth: pd.DataFrame | None,
    scores: dict[str, dict[str, Any]],
) -> dict[str, Any]:
    """Look for wrong labels, write them, and gather the audit's numbers."""
    image, text = (RowOutput.load(data / "embeddings" / params[m]) for m in ("model", "text_model"))
    places, probs = unseen_probs(table, image, text, params["seed"])
    classes, y = labels_of(table)
    looked_at = table["id"].iloc[places]
    suspected = find_label_errors(looked_at.to_numpy(dtype=str), y[places], classes, probs)
    _write_parquet(suspected, data / "judged" / "label_errors.parquet")
    notes = read_json(data / "prepared" / "notes.json")
    found = audit(table, notes, scores, len(suspected), len(looked_at))
    if truth is not None:
        found["planted"] = audit_planted(table, truth, suspected, looked_at)
    return found


def _write_pictures(judged: Judged, calibrated: NDArray[np.float32], data: Path, out: Path) -> None:
    name = f"{judged.row}.csv"
    named = pd.DataFrame({"actual": judged.actual, "predicted": judged.predicted})
    _write_csv(named, out / "confusion" / name)
    _write_csv(reliability(judged.probs, judged.y), out / "reliability" / name)
    right = calibrated.argmax(1) == judged.y
    _write_csv(drawn(accuracy_by_share(calibrated.max(1), right)), out / "abstain" / name)
    curves = data / "checkpoints" / judged.row / "curves.csv"
    if judged.kind in ("image", "text") and curves.exists():
        _write_csv(pd.read_csv(curves), out / "curves" / name)


def _said(judged: Judged, calibrated: NDArray[np.float32]) -> pd.DataFrame:
    """What the row says of each listing: its three likeliest categories, calibrated."""
    columns: dict[str, Any] = {"row": judged.row, "id": judged.ids, "actual": judged.actual}
    order = np.argsort(-calibrated, axis=1, kind="stable")
    for place, name in zip(range(order.shape[1]), ("predicted", "second", "third"), strict=False):
        columns[name] = judged.classes[order[:, place]]
        columns[f"{name}_prob"] = np.take_along_axis(calibrated, order[:, [place]], 1)[:, 0]
    return pd.DataFrame(columns)


def _write_csv(table: pd.DataFrame, path: Path) -> None:
    with replacing(path) as beside:
        table.to_csv(beside, index=False, float_format="%.6f")


def _write_parquet(table: pd.DataFrame, path: Path) -> None:
    with replacing(path) as beside:
        table.to_parquet(beside, index=False)


def _write_text(text: str, path: Path) -> None:
    with replacing(path) as beside:
        beside.write_text(text, encoding="utf-8")
