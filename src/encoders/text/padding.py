"""Token lists joined within a budget and padded to batches, for training and predictions alike."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

# [CLS] title [SEP] body [SEP]
SPECIAL = 3


def join(
    title: NDArray[np.int64], body: NDArray[np.int64], budget: int, special: dict[str, int]
) -> NDArray[np.int64]:
    """Return [CLS] title [SEP] body [SEP] of at most `budget` tokens; the body is cut first.

    Args:
        special: numbers of the special tokens: cls, sep.
    """
    title = title[: budget - SPECIAL]
    body = body[: budget - SPECIAL - len(title)]
    cls, sep = special["cls"], special["sep"]
    return np.concatenate([[cls], title, [sep], body, [sep]]).astype(np.int64)


def known_texts(tokens: list[NDArray[np.int64]], meaningless: list[int]) -> NDArray[np.bool_]:
    """Return which of N token lists have a token other than those, [N]."""
    return np.array([not np.isin(numbers, meaningless).all() for numbers in tokens], dtype=bool)


def pad(tokens: list[NDArray[np.int64]], filler: int) -> dict[str, Tensor]:
    """Pad B token lists to the longest: input_ids and attention_mask, int64 [B, L]."""
    lists = [torch.from_numpy(numbers) for numbers in tokens]
    return {
        "input_ids": pad_sequence(lists, batch_first=True, padding_value=filler),
        "attention_mask": pad_sequence([torch.ones_like(t) for t in lists], batch_first=True),
    }
