"""Title and body of each listing as tokens of a network, for training and predictions alike."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from tokenizers import Tokenizer

from src.core.schema import KernelText, TrainedText
from src.encoders.text.padding import join, known_texts, pad
from src.encoders.text.tokens import encode, meaningless_tokens


class JoinedTexts(NamedTuple):
    """The texts of N listings.

    Attributes:
        tokens: of title and body together, [N].
        titles: of the title alone, [N]; empty where the network does not read it apart.
        known: which listings have a known token besides the prefix, [N].
    """

    tokens: list[NDArray[np.int64]]
    titles: list[NDArray[np.int64]]
    known: NDArray[np.bool_]

    def by_length(self, size: int) -> list[NDArray[np.intp]]:
        """Return the listings in batches of similar length: mixed, most would be padding."""
        order = np.argsort([len(numbers) for numbers in self.tokens], kind="stable")
        return np.split(order, range(size, len(order), size))

    def batch(self, rows: NDArray[np.intp], filler: int) -> dict[str, NDArray[np.int64]]:
        """Pad B texts: input_ids, attention_mask, title_ids and title_mask, [B, L] each."""
        batch = pad([self.tokens[row] for row in rows], filler)
        if self.titles:
            titles = pad([self.titles[row] for row in rows], filler)
            batch["title_ids"], batch["title_mask"] = titles["input_ids"], titles["attention_mask"]
        return batch

    def only(self, rows: NDArray[np.intp]) -> JoinedTexts:
        """Return some of the listings."""
        tokens, titles = ([texts[row] for row in rows if texts] for texts in self[:2])
        return JoinedTexts(tokens, titles, self.known[rows])


def join_texts(
    titles: Iterable[Any],
    bodies: Iterable[Any],
    settings: TrainedText | KernelText,
    special: dict[str, int],
    tokenizer: Tokenizer,
) -> JoinedTexts:
    """Join the tokens of N listings as their network reads them.

    Args:
        titles, bodies: token numbers of each listing, [N].
        special: numbers of the special tokens: cls, sep.

    Raises:
        UserError: the prefix leaves no token for the text.
    """
    (prefix,) = encode(tokenizer, [settings.prefix])

    def joined(title: Any, body: Any, separator: bool) -> NDArray[np.int64]:
        title, body = np.asarray(title, np.int64), np.asarray(body, np.int64)
        return join(title, body, settings.max_tokens, special, prefix, separator)

    pairs = list(zip(titles, bodies, strict=True))
    tokens = [joined(title, body, settings.separator) for title, body in pairs]
    alone = [joined(title, [], False) for title, _ in pairs] if settings.title_apart else []
    own = [numbers[1 + len(prefix) :] for numbers in tokens]
    return JoinedTexts(tokens, alone, known_texts(own, meaningless_tokens(tokenizer)))


def texts_of(
    table: pd.DataFrame,
    settings: TrainedText | KernelText,
    special: dict[str, int],
    tokenizer: Tokenizer,
) -> JoinedTexts:
    """Tokenize clean `title` and `text` of N listings; arguments and errors as `join_texts`."""
    titles, bodies = (encode(tokenizer, table[name].tolist()) for name in ("title", "text"))
    return join_texts(titles, bodies, settings, special, tokenizer)
