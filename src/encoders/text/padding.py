"""Token lists joined within a budget and padded to batches, for training and predictions alike."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from src.core.errors import UserError


def join(
    title: NDArray[np.int64],
    body: NDArray[np.int64],
    budget: int,
    special: dict[str, int],
    prefix: Sequence[int] = (),
    separator: bool = True,
) -> NDArray[np.int64]:
    """Return [CLS] prefix title [SEP] body [SEP] of at most `budget` tokens; the body is cut first.

    Args:
        special: numbers of the special tokens: cls, sep.
        separator: whether there is a [SEP] between title and body.

    Raises:
        UserError: the prefix leaves no token for the text.
    """
    start, end = [special["cls"], *prefix], [special["sep"]]
    between = end if separator else []
    free = budget - len(start) - len(between) - len(end)
    if free < 1:
        raise UserError(
            f"max_tokens is {budget}, and the prefix alone has {len(prefix)} tokens; "
            "raise max_tokens or shorten the prefix in params.yaml"
        )
    title = title[:free]
    body = body[: free - len(title)]
    return np.concatenate([start, title, between, body, end]).astype(np.int64)


def known_texts(tokens: list[NDArray[np.int64]], meaningless: list[int]) -> NDArray[np.bool_]:
    """Return which of N token lists have a token other than those, [N]."""
    return np.array([not np.isin(numbers, meaningless).all() for numbers in tokens], dtype=bool)


def pad(tokens: list[NDArray[np.int64]], filler: int) -> dict[str, NDArray[np.int64]]:
    """Pad B token lists to the longest: input_ids and attention_mask, [B, L]."""
    lengths = np.array([len(numbers) for numbers in tokens])
    mask = (np.arange(lengths.max()) < lengths[:, None]).astype(np.int64)
    padded = np.full(mask.shape, filler, np.int64)
    padded[mask > 0] = np.concatenate(tokens)
    return {"input_ids": padded, "attention_mask": mask}
