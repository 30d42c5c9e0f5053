"""Unlabelled listings whose labels would teach the models most."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.cluster import KMeans

from src.cleaning.photo_folder import PhotoFolder
from src.cleaning.picture import PhotoError
from src.cleaning.prices import PriceReader
from src.cleaning.tables.table import UserTable
from src.core.errors import UserError
from src.pages.photos import GivenPhotos, as_jpeg
from src.pages.suspects import Asked
from src.predict.listings import FIELDS
from src.predict.predictor import Predictor
from src.predict.read_table import TableBatch, learn_table, photos_of, read_batches
from src.predict.scored import ScoredListings

# Only so many times the wanted number, those with the smallest margins, are compared.
CANDIDATES = 10


class Teaching(NamedTuple):
    """Listings to label, and their photos."""

    asked: list[Asked]
    photos: GivenPhotos


class _Read(NamedTuple):
    """N listings of a table: ids, cells of photos, as the models read them, and features [N, D]."""

    ids: list[str]
    photos: list[Any]
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
    prices = PriceReader()
    with photos_of(photos, positions) as folder:
        learn_table(source, positions, folder, prices)
        pixels = predictor.info.photo_pixels
        read = _score(predictor, read_batches(source, positions, folder, prices, pixels), labelled)
        first, second = -np.sort(-read.probs, axis=1)[:, :2].T
        chosen = most_teaching((first - second).astype(np.float64), read.features, count)
        jpegs = {read.ids[row]: jpeg for row in chosen if (jpeg := _jpeg(folder, read.photos[row]))}
    return Teaching([_asked(predictor, read, row) for row in chosen], GivenPhotos(jpegs))


def _score(predictor: Predictor, batches: Iterable[TableBatch], labelled: Collection[str]) -> _Read:
    """Score the rows that can be read and have no label yet."""
    ids, photos, tables, probs, features = [], [], [], [], []
    for batch in batches:
        scored = predictor.score(batch.listings.table, batch.listings.photos)
        asked = [
            place
            for place, (row, one) in enumerate(zip(batch.rows, batch.ids, strict=True))
            if not row.fault and one not in labelled
        ]
        ids += [batch.ids[place] for place in asked]
        cells = batch.cells["photo"].tolist() if "photo" in batch.cells else [None] * len(batch.ids)
        photos += [cells[place] for place in asked]
        tables.append(batch.listings.table.iloc[asked])
        probs.append(predictor.predict_scored(scored, batch.listings.notes).probs[asked])
        features.append(_features(predictor, scored)[asked])
    if not ids:
        raise UserError("there are no unlabelled listings in the table; expected at least one")
    # What there is nothing to predict from is the last to be looked at.
    known = np.nan_to_num(np.concatenate(probs), nan=0.0)
    known[np.isnan(np.concatenate(probs)).all(1), 0] = 1
    table = pd.concat(tables, ignore_index=True)
    return _Read(ids, photos, table, known, np.concatenate(features))


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
        id=read.ids[row],
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
