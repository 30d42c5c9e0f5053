"""Stage train_text: fit one text row and embed all texts: `train_text tfidf`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pandas as pd

from src.errors import run_stage
from src.files import replacing
from src.listings import PREPARED, read_listings, splits
from src.models.store import save_model, save_scores
from src.models.text.tokens import is_bag_of_words
from src.models.train import Encoder, labels_of, scores_folder, train
from src.params import stage_params


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
        from src.models.text.tfidf import BagOfWords

        words = pd.read_parquet(tokens / "tokens.parquet")
        encoder = BagOfWords(table, words, labels, len(classes), spec, seed)
        about = {"spec": spec}
    else:
        from src.models.network import NetworkEncoder
        from src.models.text.data import Texts

        texts = Texts(table, tokens, weights, spec)
        about = texts.about()
        network = NetworkEncoder(texts, labels, len(classes), spec, params["trainer"], seed, row)
        encoder = network
        if spec.get("words"):
            from src.models.text.words_and_network import WordsAndNetwork

            encoder = WordsAndNetwork(network, texts, table)
    with replacing(Path("data/embeddings") / row) as embeddings:
        for number, part in enumerate(splits(table)):
            trained = train(encoder, table.assign(part=part), spec["folds"], seed, row)
            save_scores(trained, scores_folder(embeddings, number))
            if number == 0:
                save_model(trained, Path("data/checkpoints") / row, about)


if __name__ == "__main__":
    run_stage(main)
