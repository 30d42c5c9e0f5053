"""Predict the category of one listing, or of every listing in tables."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from src.core.errors import UserError, run_command
from src.core.files import require_writable
from src.core.places import absolute, is_address
from src.core.wording import count_of
from src.predict.bulk import chosen_columns, predict_table
from src.predict.chosen import add_bundle_options, chosen_predictor, path_option, place_option
from src.predict.job import BulkJob
from src.predict.listings import FIELDS
from src.predict.many import predict_tables
from src.predict.one_listing import predict_one_listing
from src.predict.predictor import Predictor

_USAGE = """
  python -m src.predict --title T --text T --price 1500 --photo a.jpg
  python -m src.predict listings.csv --photos folder --out predictions.csv
  python -m src.predict ads/*.parquet --photos folder --out predictions [--engine ray]"""


def main() -> None:
    options = _options()
    to_file = options.tables and _is_a_file(options.out)
    if to_file:
        _require_one_here(options)
        _require_result_file(Path(options.out), Path(*options.tables))
    elif options.tables and not is_address(options.out):
        _require_result_folder(Path(options.out))
    with chosen_predictor(options) as predictor:
        if not options.tables:
            predict_one_listing(predictor, options)
        elif to_file:
            _predict_table(predictor, options)
        else:
            _predict_tables(predictor, options)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m src.predict", usage=_USAGE, description=__doc__)
    add_bundle_options(parser)
    one = parser.add_argument_group("one listing; any of these may be missing")
    one.add_argument("--title", default="")
    one.add_argument("--text", default="")
    one.add_argument("--price", default="", help='in any usual form: 1500, "1 500 ₽"')
    one.add_argument("--photo", type=path_option, metavar="FILE")
    one.add_argument("--top", type=_at_least_one, help="categories shown (default 5)")
    one.add_argument("--json", action="store_true", help="print all probabilities as JSON")
    parser.add_argument(
        "--explain", action="store_true",
        help="say why: what photo, text and price did, which words, the nearest training ads",
    )  # fmt: skip
    many = parser.add_argument_group(
        "tables of listings", "files of this machine, or in a bucket: s3://bucket/folder/*.parquet"
    )
    many.add_argument(
        "tables", metavar="table", type=place_option, nargs="*", help="a CSV or Parquet file"
    )
    many.add_argument(
        "--photos", type=place_option, metavar="FOLDER",
        help="where the tables' photos are (default: each table's folder)",
    )  # fmt: skip
    many.add_argument(
        "--out", type=place_option, metavar="PLACE",
        help="the result of one table, a name in .csv or .parquet; or a folder for the results of "
        "any number, which goes on where it was stopped",
    )  # fmt: skip
    many.add_argument(
        "--column", action="append", default=[], metavar="FIELD=NAME",
        help="the table's column for id, title, text, price or photo; FIELD= for none",
    )  # fmt: skip
    many.add_argument(
        "--engine", choices=("local", "ray"), default="local",
        help="ray: on the cluster that RAY_ADDRESS names, or all processors of this machine",
    )  # fmt: skip
    many.add_argument(
        "--workers", type=_at_least_one, metavar="N", help="with ray: so many tables at once"
    )
    options = parser.parse_args()
    _require_one_use(parser, options)
    return options


def _at_least_one(text: str) -> int:
    number = int(text) if text.isascii() and text.isdigit() else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r}: expected a whole number of at least 1")
    return number


def _require_one_use(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    """End with a usage error where options are missing, or would be ignored."""
    of_one = [name for name in (*FIELDS, "top", "json") if getattr(options, name)]
    of_many = [name for name in ("photos", "out", "column", "workers") if getattr(options, name)]
    of_many += ["engine"] * (options.engine != "local")
    if options.tables:
        if of_one:
            parser.error(f"--{of_one[0]} is for a single listing; leave it out with a table")
        if options.out is None:
            parser.error("a table needs --out, a name in .csv or .parquet, or a folder")
        if options.workers and options.engine != "ray":
            parser.error("--workers is for --engine ray")
    elif of_many:
        parser.error(f"--{of_many[0]} is for a table of listings; give one, or leave it out")
    elif not any(name in FIELDS for name in of_one):
        parser.error("give a listing (--title, --text, --price, --photo) or a table")
    elif options.json and options.top:
        parser.error("--json prints all categories; leave --top out")


def _is_a_file(out: str) -> bool:
    """Return whether --out names the file of one table and not a folder for those of many."""
    return not (is_address(out) or out.endswith("/")) and Path(out).suffix != ""


def _require_one_here(options: argparse.Namespace) -> None:
    """Refuse what cannot be one file."""
    if len(options.tables) > 1 or is_address(options.tables[0]) or options.engine == "ray":
        raise UserError(
            f"{options.out} is one file; several tables, those of a bucket and --engine ray need "
            "a folder: end its name in / if there is a dot in it"
        )


def _predict_table(predictor: Predictor, options: argparse.Namespace) -> None:
    columns, chosen = _columns(predictor, options)
    table = Path(*options.tables)
    counts = predict_table(
        predictor,
        table,
        options.photos or table.parent,
        Path(options.out),
        columns,
        chosen=chosen,
        explain=options.explain,
    )
    print(
        f"{options.out}: {count_of(counts.listings, 'listing')}, "
        f"{counts.unpredicted} without a prediction, {counts.noted} with a note"
    )


def _predict_tables(predictor: Predictor, options: argparse.Namespace) -> None:
    columns, chosen = _columns(predictor, options)
    # Workers may have another working folder.
    photos = absolute(options.photos) if options.photos else ""
    job = BulkJob(columns, tuple(chosen), photos, options.explain, absolute(options.out))
    predict_tables(predictor, options.tables, job, options.engine == "ray", options.workers)


def _columns(predictor: Predictor, options: argparse.Namespace) -> tuple[dict[str, str], set[str]]:
    """Return as `chosen_columns` does; who names a folder of photos expects them to be read."""
    columns, chosen = chosen_columns(predictor.info.columns, options.column)
    return columns, chosen | ({"photo"} if options.photos else set())


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
    require_writable(out)


def _require_result_folder(out: Path) -> None:
    """Refuse a folder of results that is none, or cannot be written."""
    if out.exists() and not out.is_dir():
        raise UserError(f"{out} is not a folder; give --out another name")
    require_writable(out)


if __name__ == "__main__":
    run_command(main)
    # All is written, and Python would take half a second to take its libraries down.
    os._exit(0)
