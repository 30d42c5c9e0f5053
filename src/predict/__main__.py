"""Predict the category of one listing, or of every listing in a table."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import pandas as pd

from src.cleaning.picture import read_photo
from src.cleaning.prices import read_price
from src.core.errors import UserError, run_command
from src.core.wording import count_of
from src.predict.bulk import chosen_columns, predict_table
from src.predict.bundle import predicting_row
from src.predict.chosen import add_bundle_options, chosen_predictor, path_option
from src.predict.explain.explanation import explain_scored
from src.predict.explain.shown import as_lines
from src.predict.listings import FIELDS, read_cells
from src.predict.predictor import ListingPredictions, Predictor

_USAGE = """
  python -m src.predict --title T --text T --price 1500 --photo a.jpg
  python -m src.predict listings.csv --photos folder --out predictions.csv"""
# Categories shown of one listing.
_TOP = 5


def main() -> None:
    options = _options()
    if options.table is not None:
        _require_result_file(options.out, options.table)
    with chosen_predictor(options) as predictor:
        if options.table is None:
            _predict_one(predictor, options)
        else:
            _predict_many(predictor, options)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m src.predict", usage=_USAGE, description=__doc__)
    add_bundle_options(parser)
    one = parser.add_argument_group("one listing; any of these may be missing")
    one.add_argument("--title", default="")
    one.add_argument("--text", default="")
    one.add_argument("--price", default="", help='in any usual form: 1500, "1 500 ₽"')
    one.add_argument("--photo", type=path_option, metavar="FILE")
    one.add_argument("--top", type=_number_of_lines, help="categories shown (default 5)")
    one.add_argument("--json", action="store_true", help="print all probabilities as JSON")
    parser.add_argument(
        "--explain", action="store_true",
        help="say why: what photo, text and price did, which words, the nearest training ads",
    )  # fmt: skip
    many = parser.add_argument_group("a table of listings")
    many.add_argument("table", type=path_option, nargs="?", help="a CSV or Parquet file")
    many.add_argument(
        "--photos", type=path_option, metavar="FOLDER",
        help="where the table's photos are (default: the table's folder)",
    )  # fmt: skip
    many.add_argument(
        "--out", type=path_option, metavar="FILE", help="the result, a name in .csv or .parquet"
    )
    many.add_argument(
        "--column", action="append", default=[], metavar="FIELD=NAME",
        help="the table's column for id, title, text, price or photo; FIELD= for none",
    )  # fmt: skip
    options = parser.parse_args()
    _require_one_use(parser, options)
    return options


def _number_of_lines(text: str) -> int:
    number = int(text) if text.isascii() and text.isdigit() else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r}: expected a whole number of at least 1")
    return number


def _require_one_use(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    """End with a usage error where options are missing, or would be ignored."""
    of_one = [name for name in (*FIELDS, "top", "json") if getattr(options, name)]
    of_many = [name for name in ("photos", "out", "column") if getattr(options, name)]
    if options.table is not None:
        if of_one:
            parser.error(f"--{of_one[0]} is for a single listing; leave it out with a table")
        if options.out is None:
            parser.error("a table needs --out, a name in .csv or .parquet")
    elif of_many:
        parser.error(f"--{of_many[0]} is for a table of listings; give one, or leave it out")
    elif not any(name in FIELDS for name in of_one):
        parser.error("give a listing (--title, --text, --price, --photo) or a table")
    elif options.json and options.top:
        parser.error("--json prints all categories; leave --top out")


def _predict_one(predictor: Predictor, options: argparse.Namespace) -> None:
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
    why = explain_scored(predictor, scored, photos[0], predictions) if options.explain else None
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


def _predict_many(predictor: Predictor, options: argparse.Namespace) -> None:
    columns, chosen = chosen_columns(predictor.info.columns, options.column)
    # Who names a folder of photos expects them to be read.
    chosen |= {"photo"} if options.photos else set()
    photos = options.photos or options.table.parent
    counts = predict_table(
        predictor,
        options.table,
        photos,
        options.out,
        columns,
        chosen=chosen,
        explain=options.explain,
    )
    print(
        f"{options.out}: {count_of(counts.listings, 'listing')}, "
        f"{counts.unpredicted} without a prediction, {counts.noted} with a note"
    )


def _require_result_file(out: Path, table: Path) -> None:
    """Refuse a result that would replace a folder, a link or the table, or cannot be written."""
    if out.parent.exists() and not out.parent.is_dir():
        raise UserError(f"{out.parent} is not a folder; give --out another name")
    if out.is_symlink():
        raise UserError(f"{out} is a link; give --out the name of a file")
    if out.exists() and not out.is_file():
        raise UserError(f"{out} is not a file but exists; give --out another name")
    if out.exists() and table.exists() and out.samefile(table):
        raise UserError(f"{out} is the table to predict; give --out another name")
    # Missing folders are made, inside the last one that exists.
    folder = next(parent for parent in out.absolute().parents if parent.exists())
    try:
        with NamedTemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise UserError(
            f"{out}: no file can be written in {folder} ({error.strerror}); give --out another "
            "folder"
        ) from error


if __name__ == "__main__":
    run_command(main)
