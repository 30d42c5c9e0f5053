"""Stage train_text: fit one text row and embed all texts: `train_text tfidf`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pandas as pd

from src.core.listings import PREPARED, labels_of, read_listings
from src.core.params import stage_params
from src.core.timing import run_stage
from src.encoders.common.folds import Encoder
from src.encoders.common.row import train_row
from src.encoders.text.tokens import is_bag_of_words


def main() -> None:
    row = sys.argv[1]
    params = stage_params(f"train_text@{row}")
    spec, seed = params["text_models"][row], params["seed"]
    weights, tokens = Path("data/weights") / row, Path("data/tokens") / row
    table = read_listings(Path("data/prepared/listings.parquet"), PREPARED)
    classes, labels = labels_of(table)

    encoder: Encoder
    about: dict[str, Any]
    if is_bag_of_words(weights):
        from src.encoders.text.tfidf import BagOfWords

        words = pd.read_parquet(tokens / "tokens.parquet")
        encoder = BagOfWords(table, words, labels, len(classes), spec, seed)
        about = {"spec": spec}
    else:
        from src.encoders.common.network import NetworkEncoder
        from src.encoders.text.data import TextData

        texts = TextData(table, tokens, weights, spec)
        network = NetworkEncoder(texts, labels, len(classes), spec, params["trainer"], seed, row)
        # What was used is filled in while it is fitted.
        about = texts.about() | {"used": network.used}
        encoder = network
        if spec.get("words"):
            from src.encoders.text.words_and_network import WordsAndNetwork

            encoder = WordsAndNetwork(network, texts, table)
    train_row(encoder, table, row, spec["folds"], seed, about)


if __name__ == "__main__":
    run_stage(f"train_text@{sys.argv[1]}", main)
