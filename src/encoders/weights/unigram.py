"""A sentence-piece vocabulary as a tokenizer of the library `tokenizers`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tokenizers import Tokenizer


def unigram_tokenizer(
    pieces: Sequence[str], scores: Sequence[float], unknown: int, normalizer: Any
) -> Tokenizer:
    """Return the tokenizer that cuts texts into the likeliest of V pieces.

    Args:
        pieces: "▁" stands for a space before a word, [V].
        scores: logarithms of their probabilities, [V].
        unknown: the number of the piece for what no other piece covers; a run of such signs is one.
        normalizer: one of `tokenizers.normalizers`.
    """
    from tokenizers import Tokenizer
    from tokenizers.decoders import Metaspace as Spaces
    from tokenizers.models import Unigram
    from tokenizers.pre_tokenizers import Metaspace, WhitespaceSplit
    from tokenizers.pre_tokenizers import Sequence as Both

    tokenizer = Tokenizer(Unigram(list(zip(pieces, scores, strict=True)), unknown))
    tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = Both([WhitespaceSplit(), Metaspace()])
    tokenizer.decoder = Spaces()
    return tokenizer
