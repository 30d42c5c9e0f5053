"""Which category a listing belongs to: `python -m src.predict --help`."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import pandas as pd

from src.cleaning.picture import read_photo
from src.core.errors import UserError, run_command
from src.predict.bulk import predict_table
from src.predict.listings import FIELDS, answer
from src.predict.predictor import Answers, Predictor

USAGE = """
  python -m src.predict --title T --text T --price 1500 --photo a.jpg
  python -m src.predict listings.csv --photos folder --out predictions.csv"""


def main() -> None:
    options = _options()
    predictor = Predictor(options.bundle)
    if options.table is None:
        _one(predictor, options)
    else:
        _many(predictor, options)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m src.predict", usage=USAGE, description=__doc__)
    parser.add_argument("--bundle", type=Path, default=Path("data/bundle"), metavar="FOLDER")
    one = parser.add_argument_group("one listing, any of these missing")
    one.add_argument("--title", default="")
    one.add_argument("--text", default="")
    one.add_argument("--price", default="", help='as it is written: 1500, "1 500 ₽"')
    one.add_argument("--photo", type=Path, metavar="FILE")
    one.add_argument("--top", type=int, default=5, help="categories shown (default 5)")
    one.add_argument("--json", action="store_true", help="all probabilities, as JSON")
    many = parser.add_argument_group("many listings")
    many.add_argument("table", type=Path, nargs="?", help="a CSV or Parquet file")
    many.add_argument("--photos", type=Path, metavar="FOLDER", help="default: the table's folder")
    many.add_argument("--out", type=Path, metavar="FILE", help="ends in .csv or .parquet")
    many.add_argument(
        "--column", action="append", default=[], metavar="FIELD=NAME",
        help="the table's column for id, title, text, price or photo; an empty name: none",
    )  # fmt: skip
    options = parser.parse_args()
    given = [name for name in FIELDS if getattr(options, name)]
    if options.table is None and not given:
        parser.error("give a listing (--title, --text, --price, --photo) or a table")
    if options.table is not None and (given or options.out is None):
        parser.error("with a table give --out, and no single listing")
    return options


def _one(predictor: Predictor, options: argparse.Namespace) -> None:
    given = {name: str(getattr(options, name) or "") for name in FIELDS}
    answers, (note,) = answer(predictor, pd.DataFrame([given]), lambda path: read_photo(Path(path)))
    if note:
        raise UserError(f"{note} ({options.photo if note.startswith('photo') else options.price})")
    result = answers.table([note]).iloc[0]
    if result["error"]:
        raise UserError(f"{result['error']}: give another of --photo, --title, --text and --price")
    if options.json:
        print(json.dumps(_as_json(answers, result), ensure_ascii=False, indent=2))
        return
    best = answers.probs[0].argsort()[::-1][: options.top]
    for row in best:
        print(f"{answers.probs[0][row]:.3f}  {answers.classes[row]}")
    rows = predictor.about["rows"]
    print(
        f"from {result['used'].replace('+', ', ')}, by {rows['fused']} over {rows['image']} and "
        f"{rows['text']}",
        file=sys.stderr,
    )


def _as_json(answers: Answers, result: Any) -> dict[str, Any]:
    return {
        "category": result["category"],
        "probability": round(float(result["probability"]), 6),
        "used": result["used"],
        "probabilities": {
            name: round(float(prob), 6)
            for name, prob in zip(answers.classes, answers.probs[0], strict=True)
        },
    }


def _many(predictor: Predictor, options: argparse.Namespace) -> None:
    columns = dict(predictor.about["columns"])
    for text in options.column:
        field, equals, name = text.partition("=")
        if not equals or field not in ("id", *FIELDS):
            raise UserError(
                f"--column {text}: expected FIELD=NAME with a field of id, {', '.join(FIELDS)}"
            )
        columns[field] = name
    photos = options.photos or options.table.parent
    counts = predict_table(predictor, options.table, photos, options.out, columns)
    print(
        f"{options.out}: {counts.listings} listings, {counts.unanswered} without an answer, "
        f"{counts.noted} with a note"
    )


if __name__ == "__main__":
    run_command(main)
