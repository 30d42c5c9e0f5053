"""Title and body of each listing as one list of tokens, for training and predictions alike."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from src.core.schema import KernelText, TrainedText
from src.encoders.text.padding import join, known_texts
from src.encoders.text.tokens import encode, meaningless_tokens


def join_texts(
    titles: Iterable[Any],
    bodies: Iterable[Any],
    settings: TrainedText | KernelText,
    special: dict[str, int],
    tokenizer: Tokenizer,
) -> tuple[list[NDArray[np.int64]], NDArray[np.bool_]]:
    """Return the tokens of N listings, and which have a known token besides the prefix, [N].

    Args:
        titles, bodies: token numbers of each listing, [N].
        special: numbers of the special tokens: cls, sep.

    Raises:
        UserError: the prefix leaves no token for the text.
    """
    (prefix,) = encode(tokenizer, [settings.prefix])
    most = settings.max_tokens
    tokens = [
        join(
            np.asarray(title, np.int64),
            np.asarray(body, np.int64),
            most,
            special,
            prefix,
            settings.separator,
        )
        for title, body in zip(titles, bodies, strict=True)
    ]
    own = [numbers[1 + len(prefix) :] for numbers in tokens]
    return tokens, known_texts(own, meaningless_tokens(tokenizer))
