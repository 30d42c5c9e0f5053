"""Tokenising, features and training of a text network, against padding everything to 512 tokens.

The network has the shape of rubert-tiny2, at random. Texts are the demo's sentences, put together
to the lengths of real ads (1,000 from Avito: median 32 tokens, mean 57, a tenth above 128). Both
ways read at most 512 tokens.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.bounds import fastest, sgemm, share
from benchmarks.compare import compare
from benchmarks.features import cosine
from benchmarks.lines import Line, line

TOKENS, BATCH, CLASSES, VOCABULARY = 512, 32, 17, 83_828
NAMES = [f"c{number}" for number in range(CLASSES)]
NETWORK = "cointegrated/rubert-tiny2"
# What is faster where a processor has bfloat16 units.
BACKEND, PRECISION = "torch-bfloat16", "bf16-mixed"


def run(quick: bool) -> list[Line]:
    read, learned, rounds = (48, 8, 1) if quick else (128, 32, 3)
    found = compare((features, {"count": read}), (padded_features, {"count": read}), rounds)
    (lengths, mine), theirs = found.ours, found.plain
    sizes = f"{np.median(lengths):.0f} tokens in the median, {np.mean(lengths):.0f} on average"
    note = f"{read / found.ours_s:.0f} texts/s by {BACKEND}; {sizes}; "
    note += f"cosine with plain {cosine(mine, theirs).mean():.4f} on average"
    fitted = compare((epoch, {"count": learned}), (padded_epoch, {"count": learned}), rounds)
    said = f"{learned / fitted.ours_s:.0f} texts/s in {PRECISION}, with Lightning and a val "
    said += "split of 4 texts"
    least, each = int(lengths.sum()) * _operations_a_token() / sgemm(), 1 / _tokenizing()
    bounds = [
        share("sgemm in float32 and the bare tokenizer", s + n * each, took)
        for s, n, took in (
            (least, read, found.ours_s),
            # Backwards takes twice as many.
            (3 * least * learned / read, learned, fitted.ours_s),
        )
    ]
    return [
        line(
            f"texts: tokens and features, {read} texts", found, at_least=4, note=note,
            bound=bounds[0],
        ),
        line(
            f"texts: an epoch of training, {learned} texts", fitted, at_least=2, note=said,
            bound=bounds[1],
        ),
    ]  # fmt: skip


def _operations_a_token() -> float:
    """Return the operations of the layers' matrices; what tokens have with each other is little."""
    from src.encoders.weights.fetch import TEXT_SHAPES

    shape = TEXT_SHAPES[NETWORK]
    hidden, inner = shape["hidden_size"], shape["intermediate_size"]
    return 2 * shape["num_hidden_layers"] * (4 * hidden**2 + 2 * hidden * inner)


def _tokenizing() -> float:
    """Return the texts a second of the tokenizer alone."""
    table = made_texts(1000)
    texts = [*table["title"], *table["text"]]
    with tempfile.TemporaryDirectory() as folder:
        tokenizer = _weights(Path(folder) / "weights")
    return len(table) / fastest(lambda: tokenizer.encode_batch(texts))


def made_texts(count: int, seed: int = 7) -> pd.DataFrame:
    """Listings whose words are the demo's and whose lengths are those of real ads."""
    from src.collect.demo.catalog import CATEGORIES

    rng = np.random.default_rng(seed)
    things = [thing for category in CATEGORIES for thing in category.things]
    words = [word for thing in things for name in thing.nouns for word in name.split()]
    # Log-normal, by the median and the mean of those ads; titles and marks add six tokens.
    lengths = np.exp(rng.normal(np.log(26), 1.1, count)).clip(2, 400).astype(int)
    bodies = [" ".join(rng.choice(words, length)) for length in lengths]
    return pd.DataFrame(
        {
            "id": [f"t{number:05}" for number in range(count)],
            "title": [" ".join(rng.choice(words, 3)) for _ in range(count)],
            "text": bodies,
            "group": [f"t{number:05}" for number in range(count)],
            "split": "train",
        }
    )


def _weights(folder: Path) -> Any:
    """Write the folder that the weights stage leaves, with a tokenizer; gives the tokenizer."""
    from src.core.files import write_json
    from src.encoders.text.tokens import train_word_pieces
    from src.encoders.weights.fetch import TEXT_SHAPES

    table = made_texts(400, seed=1)
    tokenizer = train_word_pieces([*table["title"], *table["text"]])
    folder.mkdir()
    tokenizer.save(str(folder / "tokenizer.json"))
    config = {"model_type": "bert", "vocab_size": VOCABULARY, **TEXT_SHAPES[NETWORK]}
    write_json(folder / "config.json", config)
    write_json(folder / "source.json", {"network": NETWORK, "weights": "random"})
    return tokenizer


class _Ours:
    """Our path from texts on, as the stages tokenize and train_text do it."""

    def __init__(self, count: int) -> None:
        import torch

        from src.core.params import all_params

        self.folder = tempfile.TemporaryDirectory()
        self.weights = Path(self.folder.name) / "weights"
        _weights(self.weights)
        self.table = made_texts(count)
        settings = {
            "max_tokens": TOKENS, "batch": BATCH, "dropout": 0.1, "imbalance": "none", "epochs": 1,
            "patience": 1, "lr": 1e-4, "weight_decay": 0.01,
        }  # fmt: skip
        params = all_params()
        self.settings: Any = params.text_models["rubert_tiny2"].model_copy(update=settings)
        self.trainer = params.trainer.model_copy(
            update={"accelerator": "cpu", "precision": PRECISION}
        )
        self.labels = np.arange(count) % CLASSES
        torch.manual_seed(0)
        self.network = self.data().start(NAMES).network.eval()

    def data(self) -> Any:
        """Tokenise the texts."""
        from src.encoders.text.data import TextData
        from src.encoders.text.tokens import tokenize

        tokens = Path(self.folder.name) / "tokens"
        tokenize(self.table, self.weights, tokens)
        data = TextData(self.table, tokens, self.weights, self.settings)
        data.special["vocab_size"] = VOCABULARY
        return data


def features(count: int) -> Callable[[], tuple[NDArray[Any], NDArray[Any]]]:
    """Set up tokenising and features [N, H]; the lengths of the texts come with them."""
    import torch

    from src.encoders.common.backends import make_backend
    from src.encoders.common.features import gather
    from src.encoders.common.loading import ListingRows, ordered_loader

    ours = _Ours(count)
    cpu = torch.device("cpu")

    def work() -> tuple[NDArray[Any], NDArray[Any]]:
        data = ours.data()
        rows = ListingRows(data, ours.labels, np.arange(count))
        loader, order = ordered_loader(rows, BATCH, workers=0)
        extract = make_backend(BACKEND, ours.network, None, cpu)
        return data.lengths, gather((extract(batch) for batch, _ in loader), order, "texts").numpy()

    work()
    return work


def epoch(count: int) -> Callable[[], None]:
    """Set up tokenising and fitting for one epoch."""
    from src.encoders.common.encoder import FitPlan
    from src.encoders.common.fine_tune import FineTune

    ours = _Ours(count)

    def work() -> None:
        encoder = FineTune(ours.data(), ours.labels, NAMES, ours.settings, ours.trainer, 7, "texts")
        encoder.fit(np.arange(count), FitPlan(7, "texts", np.arange(4)))

    work()
    return work


def _padded(count: int) -> tuple[Any, Callable[[], Any]]:
    """The network of the usual recipe, and what tokenises for it."""
    import torch
    from transformers import PreTrainedTokenizerFast

    from src.core.params import all_params
    from src.encoders.text.networks import text_network_from_config

    folder = tempfile.TemporaryDirectory()
    tokenizer = _weights(Path(folder.name) / "weights")
    names = {"unk_token": "[UNK]", "pad_token": "[PAD]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, **names)
    torch.manual_seed(0)
    settings: Any = (
        all_params()
        .text_models["rubert_tiny2"]
        .model_copy(update={"max_tokens": TOKENS, "dropout": 0.1})
    )
    weights = Path(folder.name) / "weights"
    network = text_network_from_config(settings, weights, CLASSES, VOCABULARY)
    table = made_texts(count)

    def tokens() -> Any:
        return fast(
            table["title"].tolist(), table["text"].tolist(), padding="max_length",
            truncation=True, max_length=TOKENS, return_tensors="pt", return_token_type_ids=False,
        )  # fmt: skip

    return network, tokens


def padded_features(count: int) -> Callable[[], NDArray[Any]]:
    """The usual recipe: float32, every text padded to 512 tokens."""
    import torch

    network, tokens = _padded(count)
    network.eval()

    def work() -> NDArray[Any]:
        batch, found = tokens(), []
        with torch.inference_mode():
            for start in range(0, count, BATCH):
                rows = {name: value[start : start + BATCH] for name, value in batch.items()}
                found.append(network.features(rows).numpy())
        return np.concatenate(found)

    return work


def padded_epoch(count: int) -> Callable[[], None]:
    """The usual recipe: an epoch in float32 over batches at random."""
    import torch

    network, tokens = _padded(count)
    network.train()
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-4)
    y = torch.arange(count) % CLASSES

    def work() -> None:
        batch = tokens()
        for rows in torch.randperm(count).split(BATCH):
            x = {name: value[rows] for name, value in batch.items()}
            loss = torch.nn.functional.cross_entropy(network(x), y[rows])
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()

    return work
