"""What probabilities are fitted to: not certainty, but what so many listings can show."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def cautious_targets(y: NDArray[np.int64], num_classes: int) -> NDArray[np.float64]:
    """Return (N + 1) / (N + 2) for the true class of each listing, the rest shared, [N, C].

    Fitted to 1, any number of right answers, be it ten, would make a scale of the logits, such as
    a temperature, as extreme as it may be, and so every later answer certain. These are the targets
    of Platt, "Probabilistic outputs for support vector machines" (1999), section 2.2, for any
    number of classes; they follow from Laplace's rule of succession.

    Args:
        y: classes, [N].
    """
    n = len(y)
    targets = np.full((n, num_classes), 1 / (n + 2) / max(num_classes - 1, 1))
    targets[np.arange(n), y] = (n + 1) / (n + 2)
    return targets
