"""Predict the category of one listing, or of every listing in a table."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import pandas as pd

from src.cleaning.picture import read_photo
from src.cleaning.prices import read_price
from src.core.errors import UserError, run_command
from src.core.wording import count_of
from src.predict.bulk import predict_table
from src.predict.listings import FIELDS, predict_listings
from src.predict.predictor import ListingPredictions, Predictor

_USAGE = """
  python -m src.predict --title T --text T --price 1500 --photo a.jpg
  python -m src.predict listings.csv --photos folder --out predictions.csv"""


def main() -> None:
    options = _options()
    predictor = Predictor(options.bundle)
    if options.table is None:
        _predict_one(predictor, options)
    else:
        _predict_many(predictor, options)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m src.predict", usage=_USAGE, description=__doc__)
    parser.add_argument(
        "--bundle", type=Path, default=Path("data/bundle"), metavar="FOLDER",
        help="the models, as the stage bundle writes them (default data/bundle)",
    )  # fmt: skip
    one = parser.add_argument_group("one listing; any of these may be missing")
    one.add_argument("--title", default="")
    one.add_argument("--text", default="")
    one.add_argument("--price", default="", help='in any usual form: 1500, "1 500 ₽"')
    one.add_argument("--photo", type=Path, metavar="FILE")
    one.add_argument("--top", type=int, default=5, help="number of categories shown (default 5)")
    one.add_argument("--json", action="store_true", help="print all probabilities as JSON")
    many = parser.add_argument_group("a table of listings")
    many.add_argument("table", type=Path, nargs="?", help="a CSV or Parquet file")
    many.add_argument(
        "--photos", type=Path, metavar="FOLDER",
        help="where the table's photos are (default: the table's folder)",
    )  # fmt: skip
    many.add_argument(
        "--out", type=Path, metavar="FILE", help="the result, a name in .csv or .parquet"
    )
    many.add_argument(
        "--column", action="append", default=[], metavar="FIELD=NAME",
        help="the table's column for id, title, text, price or photo; FIELD= for none",
    )  # fmt: skip
    options = parser.parse_args()
    given = [name for name in FIELDS if getattr(options, name)]
    if options.table is None and not given:
        parser.error("give a listing (--title, --text, --price, --photo) or a table")
    if options.table is not None and (given or options.out is None):
        parser.error("a table needs --out, and cannot be combined with a single listing")
    return options


def _predict_one(predictor: Predictor, options: argparse.Namespace) -> None:
    price = read_price(options.price)
    if price.value is None and price.problem:
        raise UserError(f"{price.problem} ({options.price})")
    given = pd.DataFrame([{name: str(getattr(options, name) or "") for name in FIELDS}])
    predictions = predict_listings(predictor, given, lambda path: read_photo(Path(path)))
    (note,) = predictions.notes
    for part in filter(None, note.split("; ")):
        if part.startswith("photo: "):
            raise UserError(f"{part} ({options.photo})")
        print(part, file=sys.stderr)
    result = predictions.table().iloc[0]
    if result["error"]:
        raise UserError(f"{result['error']}; give more of --photo, --title, --text and --price")
    if options.json:
        print(json.dumps(_as_json(predictions, result), ensure_ascii=False, indent=2))
        return
    (probs,) = predictions.probs
    for column in probs.argsort()[::-1][: options.top]:
        print(f"{probs[column]:.3f}  {predictions.classes[column]}")
    rows = predictor.info.rows
    print(
        f"based on {result['used'].replace('+', ', ')}; predicted by {rows['fused']} from "
        f"{rows['image']} and {rows['text']}",
        file=sys.stderr,
    )


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


def _predict_many(predictor: Predictor, options: argparse.Namespace) -> None:
    columns = dict(predictor.info.columns)
    chosen = set()
    for text in options.column:
        field, equals, name = text.partition("=")
        if not equals or field not in ("id", *FIELDS):
            raise UserError(
                f"--column {text}: expected FIELD=NAME, where FIELD is one of id, "
                f"{', '.join(FIELDS)}"
            )
        columns[field] = name
        chosen.add(field)
    photos = options.photos or options.table.parent
    counts = predict_table(predictor, options.table, photos, options.out, columns, chosen=chosen)
    print(
        f"{options.out}: {count_of(counts.listings, 'listing')}, "
        f"{counts.unpredicted} without a prediction, {counts.noted} with a note"
    )


if __name__ == "__main__":
    run_command(main)
