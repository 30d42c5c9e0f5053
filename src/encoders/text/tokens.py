"""Token lists of the texts, a title and a body per listing, stored unpadded."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from src.core.errors import UserError
from src.core.files import read_json, replacing, write_json
from src.core.rounds import cv_rounds

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
    a WordPiece tokenizer is trained for each round of cross-validation, on the texts that are not
    tested in that round.

    Args:
        table: the prepared listings.
        weights: the folder that the weights stage wrote for the row.
        out: the folder to write; the rounds after the first get a folder in it, as `round_folder`
            says.

    Raises:
        UserError: weights that are not random came without a tokenizer, or it lacks special tokens.
    """
    with replacing(out) as folder:
        folder.mkdir()
        if is_bag_of_words(weights):
            words = [table[name].str.split().tolist() for name in ("title_words", "text_words")]
            _write_lists(folder, table["id"], *words)
        elif (weights / "tokenizer.json").exists():
            _write_tokens(folder, table, _stored_tokenizer(weights))
        elif (weights / "model.safetensors").exists():
            raise UserError(
                f"{weights} holds weights without tokenizer.json; a new vocabulary would not fit "
                "them: run the weights stage of this row again, or choose another network"
            )
        else:
            for cv_round, split in enumerate(cv_rounds(table)):
                seen = table[(split != "test").to_numpy()]
                tokenizer = train_word_pieces([*seen["title"], *seen["text"]])
                _write_tokens(round_folder(folder, cv_round), table, tokenizer)


def round_folder(tokens: Path, cv_round: int) -> Path:
    """Return where a row's folder has the tokens of a round, if its rounds do not share them."""
    return tokens / f"round_{cv_round}" if cv_round else tokens


def encode(tokenizer: Tokenizer, texts: list[str]) -> list[list[int]]:
    """Return the token numbers of clean texts, unpadded and without special tokens."""
    return [encoding.ids for encoding in tokenizer.encode_batch(texts, add_special_tokens=False)]


def meaningless_tokens(tokenizer: Tokenizer) -> list[int]:
    """Return the numbers of the tokens that say nothing: special, unknown, or a mere space."""
    names = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "<pad>", "<unk>", "<s>", "</s>", "▁")
    numbers = (tokenizer.token_to_id(name) for name in names)
    return [number for number in numbers if number is not None]


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


def _stored_tokenizer(weights: Path) -> Tokenizer:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(weights / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def _write_tokens(folder: Path, table: pd.DataFrame, tokenizer: Tokenizer) -> None:
    special = {
        "cls": _special(tokenizer, "[CLS]", "<s>"),
        "sep": _special(tokenizer, "[SEP]", "</s>"),
        "pad": _special(tokenizer, "[PAD]", "<pad>"),
        "vocab_size": tokenizer.get_vocab_size(),
    }
    write_json(folder / "special.json", special)
    tokenizer.save(str(folder / "tokenizer.json"))
    numbers = [encode(tokenizer, table[name].tolist()) for name in ("title", "text")]
    _write_lists(folder, table["id"], *numbers)


def _write_lists(folder: Path, ids: pd.Series, titles: list[Any], bodies: list[Any]) -> None:
    tokens = pd.DataFrame({"id": ids, "title": titles, "body": bodies})
    tokens.to_parquet(folder / "tokens.parquet", index=False)


def _special(tokenizer: Tokenizer, *names: str) -> int:
    for name in names:
        number = tokenizer.token_to_id(name)
        if number is not None:
            return int(number)
    raise UserError(
        f"the tokenizer has no token {' or '.join(names)}; expected one of BERT's or RoBERTa's "
        "kind: choose another network for this row"
    )
