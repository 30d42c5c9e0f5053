"""How to read tests and intervals: apart from what computes them, for the report to start fast."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Corrected p values below this are significant.
ALPHA = 0.05
# With fewer test listings the F1 of a category is too coarse to be resampled well.
FEW = 10


def p_text(p: float) -> str:
    """Return a p-value as people write it."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"


def few_listings_note(listings: NDArray[np.int64]) -> str:
    """Return a sentence on the intervals if most categories have few test listings, else ''.

    Args:
        listings: of each category, those that are tested, [C]; 0 is no category.
    """
    tested = listings[listings > 0]
    few = int((tested < FEW).sum())
    if 2 * few <= len(tested):
        return ""
    return (
        f"{few} of {len(tested)} categories have fewer than {FEW} test listings: then the 95% "
        "intervals of macro F1 are too narrow: they hold the true value in some 90% of the cases, "
        "and in fewer where categories have no test listing at all."
    )
