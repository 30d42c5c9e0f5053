"""How far photo, text and price each moved an answer: exact Shapley values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations
from math import comb
from typing import Any

import numpy as np
from numpy.typing import NDArray

from src.fusion.blocks import Block
from src.fusion.fused import FusedClassifier

Values = NDArray[np.float64]

MODALITIES = ("photo", "text", "price")
# What a probability counts as at least, or a class that is denied would be infinitely far away.
_LEAST = 1e-6


def log_odds(probs: NDArray[np.floating]) -> Values:
    """Return for each class its log-odds against all others together, [N, C].

    Not of `p / (1 - p)`: where p is near 1, a probability in 32 bits says too little of the rest.

    Args:
        probs: [N, C], C > 1.
    """
    exact = probs.astype(np.float64)
    # A sum minus one of its terms would lose the others.
    others = exact @ (1 - np.eye(exact.shape[1]))
    odds: Values = np.log(np.maximum(exact, _LEAST)) - np.log(np.maximum(others, _LEAST))
    return odds


def shapley_values(
    players: Sequence[str], value: Callable[[frozenset[str]], Values]
) -> dict[str, Values]:
    """Return the Shapley value of each player: its mean gain over all orders of joining.

    They sum to the value of all players minus that of none. A player that never changes a value
    gets 0, and the others what they would get without it (Shapley, "A value for n-person games",
    1953).

    Args:
        value: of a set of players, an array of any shape; called once for each of the 2^P sets.
    """
    sets = [
        frozenset(some) for size in range(len(players) + 1) for some in combinations(players, size)
    ]
    values = {some: value(some) for some in sets}
    found = {}
    for player in players:
        without = [some for some in sets if player not in some]
        weights = [1 / (len(players) * comb(len(players) - 1, len(some))) for some in without]
        gains = [values[some | {player}] - values[some] for some in without]
        found[player] = np.tensordot(weights, gains, axes=1)
    return found


def contributions(model: FusedClassifier, blocks: dict[str, Block]) -> Values:
    """Return what each of MODALITIES adds to the log-odds of each class, [N, 3, C].

    Together with the prior's log-odds they are those of the model's answer. A modality that a
    listing or the model lacks adds 0.
    """
    found = shapley_values(
        list(blocks),
        lambda shown: log_odds(model.predict_proba(blocks, frozenset(blocks.keys() - shown))),
    )
    nothing = np.zeros_like(next(iter(found.values())))
    return np.stack([found.get(name, nothing) for name in MODALITIES], axis=1)


def of_class(added: NDArray[Any], columns: NDArray[np.intp]) -> NDArray[Any]:
    """Return of `contributions` [N, 3, C] those for one class of each listing, [N, 3]."""
    found: NDArray[Any] = added[np.arange(len(columns)), :, columns]
    return found
