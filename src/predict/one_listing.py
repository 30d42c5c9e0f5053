"""One listing, given on the command line: its category, as lines or JSON."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import pandas as pd

from src.cleaning.picture import read_photo
from src.cleaning.prices import read_price
from src.core.errors import UserError
from src.predict.bundle import predicting_row
from src.predict.listings import FIELDS, read_cells
from src.predict.predictor import ListingPredictions, Predictor

# Categories shown.
_TOP = 5


def predict_one_listing(predictor: Predictor, options: argparse.Namespace) -> None:
    """Print the prediction for the listing that the options of `src.predict` name.

    Raises:
        UserError: its photo or price cannot be read, or there is nothing to predict from.
    """
    price = read_price(options.price)
    if price.value is None and price.problem:
        raise UserError(f"{price.problem} ({options.price})")
    given = pd.DataFrame([{name: str(getattr(options, name) or "") for name in FIELDS}])
    table, photos, notes = read_cells(
        given, lambda path: read_photo(Path(path)), predictor.info.photo_pixels
    )
    scored = predictor.score(table, photos)
    predictions = predictor.predict_scored(scored, notes)
    (note,) = predictions.notes
    for part in filter(None, note.split("; ")):
        if part.startswith("photo: "):
            raise UserError(f"{part} ({options.photo})")
        print(part, file=sys.stderr)
    result = predictions.table().iloc[0]
    if result["error"]:
        raise UserError(f"{result['error']}; give {_options_for(predictor.info.reads)}")
    why = None
    if options.explain:
        from src.predict.explain.explanation import explain_scored

        why = explain_scored(predictor, scored, photos[0], predictions)
    if options.json:
        answer = _as_json(predictions, result) | ({"explanation": why.as_json()} if why else {})
        print(json.dumps(answer, ensure_ascii=False, indent=2))
        return
    (probs,) = predictions.probs
    for column in (-probs).argsort(kind="stable")[: options.top or _TOP]:
        print(f"{probs[column]:.3f}  {predictions.classes[column]}")
    print(
        f"based on {result['used'].replace('+', ', ')}; {_origin(predictor.info.rows)}",
        file=sys.stderr,
    )
    if why:
        from src.predict.explain.shown import as_lines

        print("", *as_lines(why), sep="\n")


def _options_for(reads: tuple[str, ...]) -> str:
    """Name the options that give what a bundle reads: `more of --photo, --title and --text`."""
    options = [
        option
        for name, options in (("photo", ["--photo"]), ("text", ["--title", "--text"]),
                              ("price", ["--price"]))
        if name in reads
        for option in options
    ]  # fmt: skip
    *first, last = options
    return f"more of {', '.join(first)} and {last}" if first else last


def _origin(rows: dict[str, str]) -> str:
    kind, name = predicting_row(rows)
    read = f" from {rows['image']} and {rows['text']}" if kind == "fused" else ""
    return f"predicted by {name}{read}"


def _as_json(predictions: ListingPredictions, result: Any) -> dict[str, Any]:
    return {
        "category": result["category"],
        "probability": round(float(result["probability"]), 6),
        "used": result["used"],
        "probabilities": {
            name: round(float(prob), 6)
            for name, prob in zip(predictions.classes, predictions.probs[0], strict=True)
        },
    }
