"""Token lists of the texts, a title and a body per listing, stored unpadded."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from src.core.files import read_json, replacing, write_json

if TYPE_CHECKING:
    from tokenizers import Tokenizer

# Enough for a few thousand short texts; a tokenizer that comes with weights has its own.
VOCAB_SIZE = 6000
SPECIAL_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


def is_bag_of_words(weights: Path) -> bool:
    """Return whether a row reads words, not the tokens of a network."""
    return not read_json(weights / "source.json")["network"]


def rows_with_text(table: pd.DataFrame) -> NDArray[np.intp]:
    """Return positions of the listings whose title or body is not empty."""
    text = table["title"].str.strip() + table["text"].str.strip()
    return np.flatnonzero((text != "").to_numpy())


def tokenize(table: pd.DataFrame, weights: Path, out: Path) -> None:
    """Write `tokens.parquet` with id, title and body of every listing.

    A bag-of-words row gets words. A network row gets token numbers, and `tokenizer.json` and
    `special.json` beside them. Its tokenizer comes with its weights; random weights have none, so
    a WordPiece tokenizer is trained on the train split.

    Args:
        table: the prepared listings.
        weights: the folder that the weights stage wrote for the row.
        out: the folder to write.
    """
    with replacing(out) as folder:
        folder.mkdir()
        titles: list[Any]
        bodies: list[Any]
        if is_bag_of_words(weights):
            titles, bodies = (
                table[name].str.split().tolist() for name in ("title_words", "text_words")
            )
        else:
            tokenizer = _tokenizer(table, weights)
            tokenizer.save(str(folder / "tokenizer.json"))
            write_json(
                folder / "special.json",
                {
                    "cls": _special(tokenizer, "[CLS]", "<s>"),
                    "sep": _special(tokenizer, "[SEP]", "</s>"),
                    "pad": _special(tokenizer, "[PAD]", "<pad>"),
                    "vocab_size": tokenizer.get_vocab_size(),
                },
            )
            titles, bodies = (encode(tokenizer, table[name].tolist()) for name in ("title", "text"))
        tokens = pd.DataFrame({"id": table["id"], "title": titles, "body": bodies})
        tokens.to_parquet(folder / "tokens.parquet", index=False)


def encode(tokenizer: Tokenizer, texts: list[str]) -> list[list[int]]:
    """Return the token numbers of clean texts, unpadded and without special tokens."""
    return [encoding.ids for encoding in tokenizer.encode_batch(texts, add_special_tokens=False)]


def meaningless_tokens(tokenizer: Tokenizer) -> list[int]:
    """Return the numbers of the tokens that say nothing: special, unknown, or a mere space."""
    names = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "<pad>", "<unk>", "<s>", "</s>", "▁")
    numbers = (tokenizer.token_to_id(name) for name in names)
    return [number for number in numbers if number is not None]


def _tokenizer(table: pd.DataFrame, weights: Path) -> Tokenizer:
    from tokenizers import Tokenizer

    stored = weights / "tokenizer.json"
    if stored.exists():
        tokenizer = Tokenizer.from_file(str(stored))
        tokenizer.no_padding()
        tokenizer.no_truncation()
        return tokenizer
    train = table[table["split"] == "train"]
    return train_word_pieces([*train["title"], *train["text"]])


def train_word_pieces(texts: list[str]) -> Tokenizer:
    """Train a WordPiece tokenizer; equal texts give an equal tokenizer.

    The library numbers the characters inside words in the order of a hash map, which differs from
    run to run, and these numbers decide between pieces of equal count. Characters that are passed
    as special tokens are numbered in the order given. The tokenizer is then built again from its
    vocabulary, with only the usual special tokens.
    """
    from tokenizers import Tokenizer
    from tokenizers.implementations import BertWordPieceTokenizer

    # Accents stay: without them й would become и.
    settings: Any = {"lowercase": True, "strip_accents": False}
    trained = BertWordPieceTokenizer(**settings)
    clean, divide = trained.normalizer.normalize_str, trained.pre_tokenizer.pre_tokenize_str
    inner = {letter for text in texts for word, _ in divide(clean(text)) for letter in word[1:]}
    trained.train_from_iterator(
        iter(texts),
        vocab_size=VOCAB_SIZE,
        limit_alphabet=VOCAB_SIZE,
        special_tokens=[*SPECIAL_TOKENS, *(f"##{letter}" for letter in sorted(inner))],
        show_progress=False,
    )
    rebuilt = BertWordPieceTokenizer(trained.get_vocab(), **settings)
    return Tokenizer.from_str(rebuilt.to_str())


def _special(tokenizer: Tokenizer, *names: str) -> int:
    for name in names:
        number = tokenizer.token_to_id(name)
        if number is not None:
            return int(number)
    raise ValueError(f"the tokenizer has none of {names}")
