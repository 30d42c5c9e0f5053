"""TextData of listings as padded batches of tokens; the title first in the budget."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from src.core.errors import UserError
from src.core.files import read_json
from src.encoders.text.networks import TextNetwork, started
from src.encoders.text.tokens import rows_with_text

# [CLS] title [SEP] body [SEP]
SPECIAL = 3


class TextData:
    """The listings that have a text, for `src.encoders.common.folds`.

    Attributes:
        rows: positions in the prepared table, [N].
        lengths: number of tokens of each row, [N].
    """

    augment = None

    def __init__(self, table: pd.DataFrame, tokens: Path, weights: Path, spec: dict[str, Any]):
        if spec["max_tokens"] <= SPECIAL:
            raise UserError(
                f"max_tokens is {spec['max_tokens']}; expected more than {SPECIAL}, the special "
                "tokens of every text: set it in params.yaml"
            )
        self.special = read_json(tokens / "special.json")
        self.rows = rows_with_text(table)
        self.groups = table["group"].to_numpy(dtype=str)[self.rows]
        lists = pd.read_parquet(tokens / "tokens.parquet").set_index("id").loc[table["id"]]
        titles, bodies = lists["title"].to_numpy(), lists["body"].to_numpy()
        self.tokens = [
            join(titles[row], bodies[row], spec["max_tokens"], self.special) for row in self.rows
        ]
        self.lengths = np.array([len(tokens) for tokens in self.tokens])
        network = read_json(weights / "source.json")["network"]
        self.what = f"{network}, {spec['max_tokens']} tokens"
        self.weights, self.spec = weights, spec

    def network(self, num_classes: int) -> TextNetwork:
        return started(self.spec, self.weights, self.special["vocab_size"], num_classes)

    def about(self) -> dict[str, Any]:
        """Return what is needed to build the network again."""
        source = read_json(self.weights / "source.json")
        return {"spec": self.spec, "source": source, "special": self.special}

    def batch(self, rows: NDArray[np.intp]) -> dict[str, Tensor]:
        """Pad to the longest of the batch: input_ids and attention_mask, int64 [B, L]."""
        return pad([self.tokens[row] for row in rows], self.special["pad"])

    def varied_batch(
        self, rows: NDArray[np.intp], epochs: list[int], seed: int
    ) -> dict[str, Tensor]:
        """TextData are not augmented."""
        return self.batch(rows)


def join(
    title: NDArray[np.int64], body: NDArray[np.int64], budget: int, special: dict[str, int]
) -> NDArray[np.int64]:
    """Return [CLS] title [SEP] body [SEP] of at most `budget` tokens; the body gives way."""
    title = title[: budget - SPECIAL]
    body = body[: budget - SPECIAL - len(title)]
    cls, sep = special["cls"], special["sep"]
    return np.concatenate([[cls], title, [sep], body, [sep]]).astype(np.int64)


def pad(tokens: list[NDArray[np.int64]], filler: int) -> dict[str, Tensor]:
    """Pad B token lists to the longest: input_ids and attention_mask, int64 [B, L]."""
    lengths = np.array([len(numbers) for numbers in tokens])
    ids = np.full((len(tokens), lengths.max()), filler, dtype=np.int64)
    for row, numbers in zip(ids, tokens, strict=True):
        row[: len(numbers)] = numbers
    mask = np.arange(lengths.max()) < lengths[:, None]
    return {
        "input_ids": torch.from_numpy(ids),
        "attention_mask": torch.from_numpy(mask.astype(np.int64)),
    }
