"""Compare new ads with the training ads: is the model still in the world that it has learned?"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd

from src.cleaning.categories import read_category
from src.cleaning.prices import PriceReader
from src.cleaning.tables.table import UserTable
from src.cleaning.text import with_words
from src.core.errors import UserError, run_command
from src.core.wording import count_of
from src.predict.bulk import chosen_columns
from src.predict.chosen import add_bundle_options, chosen_predictor, path_option
from src.predict.drift import NewAds, compare_ads, finding_lines
from src.predict.predictor import Predictor
from src.predict.read_table import (
    how_it_is_read,
    learn_table,
    photos_of,
    read_batches,
    table_positions,
)
from src.predict.reference import read_reference, unseen_shares

_USAGE = """
  python -m src.predict.watch new.csv --photos folder
  python -m src.predict.watch new.csv --photos folder --column category=label"""


def main() -> None:
    parser = argparse.ArgumentParser(
        "python -m src.predict.watch", usage=_USAGE, description=__doc__
    )
    add_bundle_options(parser)
    parser.add_argument("table", type=path_option, help="a CSV or Parquet file of new ads")
    parser.add_argument(
        "--photos", type=path_option, metavar="FOLDER",
        help="where the table's photos are (default: the table's folder)",
    )  # fmt: skip
    parser.add_argument(
        "--column", action="append", default=[], metavar="FIELD=NAME",
        help="the table's column for title, text, price, photo or category; FIELD= for none",
    )  # fmt: skip
    options = parser.parse_args()
    with chosen_predictor(options) as predictor:
        reference = read_reference(predictor.folder)
        columns, chosen = chosen_columns(
            dict(predictor.info.columns) | {"category": reference.category_column}, options.column
        )
        # Who names a folder of photos expects them to be read.
        chosen |= {"photo"} if options.photos else set()
        photos = options.photos or options.table.parent
        new = read_new_ads(predictor, options.table, photos, columns, chosen)
        findings = compare_ads(new, reference)
    print(
        f"{options.table}: {count_of(len(new.prices), 'new ad')}, compared with "
        f"{count_of(reference.listings, 'training ad')}"
    )
    print(*finding_lines(findings), sep="\n")
    differ = sum(finding.differs for finding in findings)
    print(
        f"{differ} of {len(findings)} differ significantly (Holm's correction)"
        + (": check the answers on ads with labels before you rely on them" if differ else "")
    )


def read_new_ads(
    predictor: Predictor, table: Path, photos: Path, columns: dict[str, str], chosen: set[str]
) -> NewAds:
    """Read and predict every row of a CSV or Parquet file; rows that cannot be read are left out.

    Args:
        photos: the folder that the paths of photos start at.
        columns: the table's column for title, text, price, photo and category.
        chosen: fields whose column the table must have.

    Raises:
        UserError: as `predict_table`; no row can be read.
    """
    source = UserTable(table, [name for name in columns.values() if name])
    positions = table_positions(source, columns, chosen)
    folder, prices = photos_of(photos, positions), PriceReader()
    learn_table(source, positions, folder, prices)
    found = []
    with folder:
        pixels = predictor.info.photo_pixels
        for rows, _, cells, read in read_batches(source, positions, folder, prices, pixels):
            answers = predictor.predict(*read).table()
            words = with_words(read.table)
            ads = pd.DataFrame(
                {
                    "photo": [photo is not None for photo in read.photos],
                    "price": read.table["price"].to_numpy(),
                    "words": (words["title_words"] + " " + words["text_words"]).to_numpy(),
                    "predicted": answers["category"].fillna("").to_numpy(),
                    "confidence": answers["probability"].to_numpy(),
                    "label": cells.get("category", ""),
                }
            )
            found.append(ads[[not row.fault for row in rows]])
    if not any(map(len, found)):
        raise UserError(f"{table} has no row that can be read; expected at least one ad")
    print(how_it_is_read(source, columns, positions, prices), file=sys.stderr)
    ads = pd.concat(found, ignore_index=True)
    labels = ads["label"].map(_label).to_numpy(dtype=str)
    return NewAds(
        has_photo=ads["photo"].to_numpy(dtype=bool),
        prices=ads["price"].to_numpy(dtype=float),
        unseen_words=unseen_shares(predictor.folder, ads["words"]),
        predicted=ads["predicted"].to_numpy(dtype=str),
        confidences=ads["confidence"].to_numpy(dtype=float),
        labels=labels if np.any(labels != "") else None,
    )


def _label(cell: str) -> str:
    """Return the category in a cell; '' where there is none."""
    name, problem = read_category(cell)
    return "" if problem else name


if __name__ == "__main__":
    run_command(main)
