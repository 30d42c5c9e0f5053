"""Unlabelled listings whose labels would teach the models most."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.cluster import KMeans

from src.cleaning.cells import as_text
from src.cleaning.photo_folder import PhotoFolder
from src.cleaning.picture import PhotoError
from src.cleaning.prices import PriceReader
from src.cleaning.tables.row import RAW_FIELDS
from src.cleaning.tables.table import UserTable
from src.core.errors import UserError
from src.pages.photos import GivenPhotos, as_jpeg
from src.pages.suspects import Asked
from src.predict.bulk import learn_table
from src.predict.listings import BATCH_LISTINGS, FIELDS, read_cells
from src.predict.predictor import Predictor
from src.predict.scored import ScoredListings

# Only so many times the wanted number, those with the smallest margins, are compared.
CANDIDATES = 10


class Teaching(NamedTuple):
    """Listings to label, and their photos."""

    asked: list[Asked]
    photos: GivenPhotos


class _Read(NamedTuple):
    """The listings of a table: as they are and as the models read them, with their features."""

    cells: pd.DataFrame
    table: pd.DataFrame
    probs: NDArray[np.float32]
    features: NDArray[np.float32]


def most_teaching(
    margins: NDArray[np.float64], features: NDArray[np.float32], count: int, seed: int = 0
) -> NDArray[np.intp]:
    """Choose listings that a model is unsure of and that differ from each other.

    Zhdanov, "Diverse mini-batch active learning" (2019): k-means of those with small margins, each
    weighing by how small; of every cluster the listing nearest to its centre.

    Args:
        margins: the likeliest category's probability less the second's, [N].
        features: [N, D].
        count: how many.

    Returns:
        Positions, [count], or fewer where there are not so many; the smallest margins first.
    """
    order = np.argsort(margins, kind="stable")[: CANDIDATES * count]
    if len(order) <= count:
        return order
    clusters = KMeans(count, n_init=1, random_state=seed)
    # A weight of 0 would let a cluster have no weight at all.
    distances = clusters.fit_transform(features[order], sample_weight=1.001 - margins[order])
    own = pd.Series(distances[np.arange(len(order)), clusters.labels_])
    nearest = own.groupby(clusters.labels_).idxmin().to_numpy()
    return order[np.sort(nearest)]


def teaching(
    predictor: Predictor, path: Path, photos: Path, count: int, labelled: Collection[str] = ()
) -> Teaching:
    """Choose listings of an unlabelled table, CSV or Parquet, with the columns of the bundle.

    Args:
        photos: the folder that the paths of photos start at.
        labelled: ids that are left out.

    Raises:
        UserError: the table cannot be read, or there is nothing in it to predict from.
    """
    columns = {name: column for name, column in predictor.info.columns.items() if column}
    source = UserTable(path, list(columns.values()))
    wanted = [(field, columns[field]) for field in ("id", *FIELDS) if field in columns]
    positions, _ = source.positions(wanted)
    if not set(positions) & set(FIELDS):
        raise UserError(
            f"{path} has none of the columns {', '.join(name for _, name in wanted)}; it has "
            f"{', '.join(source.columns)}: rename yours"
        )
    if "photo" in positions and not photos.is_dir():
        raise UserError(f"{photos} is not a folder of photos; give one with --photos")
    prices = PriceReader()
    with PhotoFolder(photos) as folder:
        learn_table(source, positions, folder, prices)
        cells = _cells(source, positions)
        cells = cells[~cells["id"].isin(list(labelled))].reset_index(drop=True)
        read = _read(predictor, cells, folder, prices)
        first, second = -np.sort(-read.probs, axis=1)[:, :2].T
        chosen = most_teaching((first - second).astype(np.float64), read.features, count)
        jpegs = {
            cells["id"][row]: jpeg
            for row in chosen
            if (jpeg := _jpeg(folder, cells.get("photo", pd.Series(dtype=object)).get(row)))
        }
    return Teaching([_asked(predictor, read, row) for row in chosen], GivenPhotos(jpegs))


def _cells(source: UserTable, positions: Mapping[str, int]) -> pd.DataFrame:
    """Return the rows that can be read, with ids as in the results of `predict_table`."""
    rows = enumerate(source.rows(positions, raw=RAW_FIELDS), 1)
    read = [(n, row.cells) for n, row in rows if not row.fault]
    cells = pd.DataFrame([row for _, row in read], columns=list(positions), dtype=object)
    cells["id"] = as_text(cells["id"]) if "id" in cells else [f"row-{n}" for n, _ in read]
    return cells


def _read(
    predictor: Predictor, cells: pd.DataFrame, folder: PhotoFolder, prices: PriceReader
) -> _Read:
    """Read and score the listings that there is something to predict from."""
    tables, probs, features = [], [], []
    for start in range(0, len(cells), BATCH_LISTINGS):
        batch = cells.iloc[start : start + BATCH_LISTINGS].reset_index(drop=True)
        pixels = predictor.info.photo_pixels
        table, photos, notes = read_cells(batch.drop(columns="id"), folder.read, pixels, prices)
        scored = predictor.score(table, photos)
        tables.append(table)
        probs.append(predictor.predict_scored(scored, notes).probs)
        features.append(_features(predictor, scored))
    if not tables:
        raise UserError("there are no unlabelled listings in the table; expected at least one")
    # What there is nothing to predict from is the last to be looked at.
    known = np.nan_to_num(np.concatenate(probs), nan=0.0)
    known[np.isnan(np.concatenate(probs)).all(1), 0] = 1
    return _Read(cells, pd.concat(tables, ignore_index=True), known, np.concatenate(features))


def _features(predictor: Predictor, listings: ScoredListings) -> NDArray[np.float32]:
    """Return the places of listings among the training ads, by photo and text, [N, K]."""
    n = len(listings.table)
    blocks = []
    for name, space in predictor.ads.spaces.items():
        block = np.zeros((n, len(space.basis)), np.float32)
        scored = listings.scores[name]
        if scored.output is not None:
            block[scored.rows] = space.place(scored.output.features)
        blocks.append(block)
    return np.concatenate(blocks, axis=1)


def _jpeg(folder: PhotoFolder, cell: object) -> bytes | None:
    try:
        return as_jpeg(folder.read(cell))
    except (PhotoError, ValueError):
        return None


def _asked(predictor: Predictor, read: _Read, row: int) -> Asked:
    listing, probs = read.table.iloc[row], read.probs[row]
    best, second = (-probs).argsort(kind="stable")[:2]
    return Asked(
        id=str(read.cells["id"][row]),
        title=listing["title"],
        text=listing["text"],
        price=None if np.isnan(listing["price"]) else float(listing["price"]),
        was="",
        given="",
        given_prob=float(probs[second]),
        suggested=predictor.info.classes[best],
        suggested_prob=float(probs[best]),
        added={},
        nearest=[],
    )
