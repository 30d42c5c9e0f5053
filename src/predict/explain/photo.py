"""Which part of a photo moved the answer: parts of it are covered in turn."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from src.fusion.shapley import Values
from src.predict.explain.odds import answer_log_odds
from src.predict.predictor import Predictor
from src.predict.scored import ScoredListings

# The photo is a board of CELLS x CELLS; a patch covers SIDE x SIDE of them, at every place.
CELLS, SIDE = 8, 2
PLACES = CELLS - SIDE + 1


class Patch(NamedTuple):
    """Part of a photo; edges as shares of its side, from the left and from the top."""

    left: float
    top: float
    right: float
    bottom: float


class PhotoEffect(NamedTuple):
    """What the parts of a photo, as the network saw it, did for a class.

    Attributes:
        heat: how far the answer's log-odds fall when a cell is covered, [CELLS, CELLS], from top
            left: the mean over the patches that cover it.
        patch: the one whose covering takes most.
        effect: what it takes.
    """

    heat: NDArray[np.float64]
    patch: Patch
    effect: float


def photo_effect(
    predictor: Predictor, listing: ScoredListings, photo: NDArray[np.uint8], column: int
) -> PhotoEffect:
    """Explain the answer to one listing by its photo, [S, S, 3].

    Args:
        column: of the class whose log-odds are explained.
    """
    fill = photo.mean((0, 1)).round().astype(np.uint8)
    covered = np.stack([cover(photo, n, fill) for n in range(PLACES**2)])
    whole = answer_log_odds(predictor, listing)[0, column]
    effects = (whole - covered_log_odds(predictor, listing, covered)[:, column]).reshape(
        PLACES, PLACES
    )
    total, times = np.zeros((2, CELLS, CELLS))
    for top, left in np.ndindex(PLACES, PLACES):
        cells = slice(top, top + SIDE), slice(left, left + SIDE)
        total[cells] += effects[top, left]
        times[cells] += 1
    worst = int(effects.argmax())
    top, left = divmod(worst, PLACES)
    edges = [edge / CELLS for edge in (left, top, left + SIDE, top + SIDE)]
    return PhotoEffect(total / times, Patch(*edges), float(effects.flat[worst]))


def cover(photo: NDArray[np.uint8], place: int, fill: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the photo with one patch covered.

    Args:
        place: number of the patch, from the top left, line by line; below PLACES squared.
        fill: what covers it: a colour, [3], or another photo, [S, S, 3].
    """
    top, left = divmod(place, PLACES)
    edges = np.linspace(0, len(photo), CELLS + 1).round().astype(int)
    rows, columns = slice(edges[top], edges[top + SIDE]), slice(edges[left], edges[left + SIDE])
    found = photo.copy()
    found[rows, columns] = np.broadcast_to(fill, photo.shape)[rows, columns]
    return found


def covered_log_odds(
    predictor: Predictor, listing: ScoredListings, photos: NDArray[np.uint8]
) -> Values:
    """Return the log-odds [W, C] of one listing with W other photos, [W, S, S, 3]."""
    table = listing.table.iloc[np.zeros(len(photos), int)].reset_index(drop=True)
    variants = listing.with_scores(table, photo=predictor.score_photos(list(photos)))
    return answer_log_odds(predictor, variants)
