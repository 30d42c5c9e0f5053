"""The image and the text model of a bundle: what each says of listings that it has not met."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from src.artifacts.model_files import load_sklearn, load_weights
from src.core.files import read_json
from src.encoders.text.tokens import encode

# Listings in a network at once: more are no faster on a processor, and take more memory.
BATCH = 32
# Features [N, D] and class probabilities [N, C].
Scores = tuple[NDArray[np.float32], NDArray[np.float32]]


class PhotoModel:
    """An image network and how it was fitted; imports PyTorch."""

    def __init__(self, folder: Path) -> None:
        from src.encoders.image.networks import ImageNetwork

        about = read_json(folder / "model.json")
        self.network = ImageNetwork(about["spec"], about["source"], len(about["classes"]))
        load_weights(self.network, folder / "model.safetensors")
        self.device = _place(self.network)

    def score(self, photos: NDArray[np.uint8]) -> Scores:
        """Score RGB photos as `decode` gives them, [N, S, S, 3]."""
        import torch

        return _score(
            self.network,
            self.device,
            (torch.from_numpy(photos[at : at + BATCH]) for at in range(0, len(photos), BATCH)),
        )


class TextNetworkModel:
    """A text network with its tokenizer; imports PyTorch."""

    def __init__(self, folder: Path) -> None:
        from tokenizers import Tokenizer

        from src.encoders.text.networks import from_config

        about = read_json(folder / "model.json")
        self.spec, self.special = about["spec"], about["special"]
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.network = from_config(self.spec, folder, len(about["classes"]))
        load_weights(self.network, folder / "model.safetensors")
        self.device = _place(self.network)

    def score(self, table: pd.DataFrame) -> Scores:
        """Score listings by their clean `title` and `text`."""
        from src.encoders.text.data import join, pad

        budget = self.spec["max_tokens"]
        lists = (encode(self.tokenizer, table[name].tolist()) for name in ("title", "text"))
        tokens = [
            join(np.array(title, np.int64), np.array(body, np.int64), budget, self.special)
            for title, body in zip(*lists, strict=True)
        ]
        # Texts of like length share a batch, or most of it would be padding.
        order = np.argsort([len(numbers) for numbers in tokens], kind="stable")
        batches = (
            pad([tokens[row] for row in order[at : at + BATCH]], self.special["pad"])
            for at in range(0, len(order), BATCH)
        )
        back = np.argsort(order)
        x, probs = _score(self.network, self.device, batches)
        return x[back], probs[back]


class WordsModel:
    """The bag of words; needs no PyTorch."""

    def __init__(self, folder: Path) -> None:
        about = read_json(folder / "model.json")
        self.num_classes, self.spec = len(about["classes"]), about["spec"]
        self.model = load_sklearn(folder / "model.skops")

    def score(self, table: pd.DataFrame) -> Scores:
        """Score listings by their `title_words` and `text_words`."""
        from src.encoders.text.tfidf import columns_of, score

        texts = columns_of(table["title_words"], table["text_words"])
        return score(self.model, texts, self.num_classes, self.spec["components"])


class MixedModel(TextNetworkModel):
    """A text network and words under one kernel; imports PyTorch."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.vectors = load_sklearn(folder / "model.skops")

    def score(self, table: pd.DataFrame) -> Scores:
        """Score listings by their clean texts, and by their words."""
        import torch

        from src.encoders.text.mixed import Mixed
        from src.encoders.text.tfidf import columns_of

        x, _ = super().score(table)
        texts = columns_of(table["title_words"], table["text_words"])
        return x, Mixed(self.network, self.vectors).probs(torch.from_numpy(x), texts)


def text_model(folder: Path) -> TextNetworkModel | WordsModel:
    """Read whichever text model the folder holds."""
    if not (folder / "model.skops").exists():
        return TextNetworkModel(folder)
    mixed = (folder / "model.safetensors").exists()
    return MixedModel(folder) if mixed else WordsModel(folder)


def _place(network: Any) -> Any:
    """Put the network where it stays: requests are answered in several threads."""
    import torch

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    network.to(device)
    network.head.cpu()
    return device


def _score(network: Any, device: Any, batches: Iterator[Any]) -> Scores:
    import torch

    from src.encoders.common.score import features_of, probs_of

    x = torch.cat([features_of(network, batch, device) for batch in batches])
    return x.numpy(), probs_of(network, x)
