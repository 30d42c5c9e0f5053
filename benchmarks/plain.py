"""The usual script, as the original work had it: fine-tune on photos and on texts, then join.

Every epoch opens, decodes and resizes each photo; everything is float32; texts are padded to 512
tokens. `python -m benchmarks.plain FOLDER` trains for real and prints macro F1 on the test part of
our own split (near-duplicates apart), so that the figures can be laid beside those of `dvc repro`.
"""

from __future__ import annotations

import time
from argparse import ArgumentParser
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from PIL import Image
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, Subset

from src.core.params import all_params
from src.core.schema import WeightsSource
from src.encoders.image.networks import start_image_network
from src.encoders.text.networks import start_text_network
from src.encoders.weights.fetch import fetch_weights

SIZE, TOKENS, BATCH = 224, 512, 32
# Texts that go through the network together where padding is cut off.
CUT = 4
# The original's: ten epochs on photos, five on texts.
IMAGE_EPOCHS, TEXT_EPOCHS = 10, 5
LR = {"image": 3e-4, "text": 5e-5}
MEAN, STD = (torch.tensor([a, b, c]).view(3, 1, 1) for a, b, c in (
    (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
))  # fmt: skip


class Photos(Dataset[Any]):
    """Photos from files, decoded whenever one is asked for; black where there is none."""

    def __init__(self, files: list[Path | None], y: NDArray[np.int64]) -> None:
        self.files, self.y = files, y

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, row: int) -> tuple[Tensor, int]:
        path, pixels = self.files[row], np.zeros((SIZE, SIZE, 3), np.float32)
        if path is not None:
            photo = Image.open(path).convert("RGB").resize((SIZE, SIZE))
            pixels = np.asarray(photo, np.float32)
        x = torch.from_numpy(pixels).permute(2, 0, 1) / 255
        return (x - MEAN) / STD, int(self.y[row])


class Texts(Dataset[Any]):
    """Texts as 512 tokens each, padding included."""

    def __init__(self, texts: list[str], tokenizer: Any, y: NDArray[np.int64]) -> None:
        tokens = tokenizer(texts, padding="max_length", truncation=True, max_length=TOKENS,
                           return_tensors="pt", return_token_type_ids=False)  # fmt: skip
        self.tokens, self.y = dict(tokens), y

    def __len__(self) -> int:
        return len(self.y)

    def __getitem__(self, row: int) -> tuple[dict[str, Tensor], int]:
        return {name: value[row] for name, value in self.tokens.items()}, int(self.y[row])


class Nchw(nn.Module):
    """A timm network with a linear layer, in float32 and NCHW."""

    def __init__(self, weights: Path, num_classes: int) -> None:
        super().__init__()
        settings: Any = all_params().image_models["cnn"].model_copy(update={"pixels": SIZE})
        backbone = start_image_network(settings, weights, num_classes).backbone
        self.backbone = backbone.to(memory_format=torch.contiguous_format)
        self.head = nn.LazyLinear(num_classes)

    def features(self, x: Tensor) -> Tensor:
        return torch.as_tensor(self.backbone(x))

    def forward(self, x: Tensor) -> Tensor:
        return torch.as_tensor(self.head(self.features(x)))


def image_network(network: str, kind: str, folder: Path, num_classes: int) -> Nchw:
    source: Any = {"network": network, "weights": kind}
    fetch_weights("image", WeightsSource(**source), folder)
    return Nchw(folder, num_classes)


def text_network(network: str, kind: str, folder: Path, texts: list[str], num_classes: int) -> Any:
    """Return the network and its tokenizer, trained on the texts where none comes with it."""
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerFast

    from src.encoders.text.tokens import train_word_pieces

    source: Any = {"network": network, "weights": kind}
    fetch_weights("text", WeightsSource(**source), folder)
    stored = folder / "tokenizer.json"
    tokenizer = Tokenizer.from_file(str(stored)) if stored.exists() else train_word_pieces(texts)
    names = {"unk_token": "[UNK]", "pad_token": "[PAD]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, **names)
    settings: Any = (
        all_params()
        .text_models["rubert_tiny2"]
        .model_copy(update={"max_tokens": TOKENS, "dropout": 0.1})
    )
    return start_text_network(settings, folder, tokenizer.get_vocab_size(), num_classes), fast


def train_epoch(
    model: Any, data: Dataset[Any], optimizer: Any, most: int | None, cut: bool = False
) -> float:
    """Fit for one epoch, or for its first `most` batches; gives seconds per row."""
    model.train()
    rows, began = 0, time.perf_counter()
    for x, y in islice(DataLoader(data, BATCH, shuffle=True), most):
        loss = nn.functional.cross_entropy(model.head(features_of(model, x, cut)), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        rows += len(y)
    return (time.perf_counter() - began) / rows


def features_of(model: Any, x: Any, cut: bool) -> Tensor:
    """Features [B, D] of a batch: of all rows at once, or of texts a few at a time.

    Cut, texts come by length, CUT at a time, without the columns that are padding in all of them.
    """
    if isinstance(x, Tensor) or not cut:
        return torch.as_tensor(model.features(x))
    lengths = x["attention_mask"].sum(1)
    order = lengths.argsort(stable=True)
    parts = [
        model.features({name: value[rows, : int(lengths[rows].max())] for name, value in x.items()})
        for rows in order.split(CUT)
    ]
    return torch.cat(parts)[order.argsort()]


def embed(
    model: Any, data: Dataset[Any], most: int | None = None, cut: bool = False
) -> tuple[float, Any, Any]:
    """Features [N, D] and probabilities [N, C] of all rows; seconds per row first."""
    model.eval()
    x_all, probs, rows, began = [], [], 0, time.perf_counter()
    with torch.no_grad():
        for x, y in islice(DataLoader(data, BATCH), most):
            features = features_of(model, x, cut)
            x_all.append(features.numpy())
            probs.append(model.head(features).softmax(1).numpy())
            rows += len(y)
    seconds = (time.perf_counter() - began) / rows
    return seconds, np.concatenate(x_all), np.concatenate(probs)


def main() -> None:
    arguments = ArgumentParser(prog="python -m benchmarks.plain", description=__doc__)
    arguments.add_argument("folder", type=Path, help="a repository after dvc repro, as it stands")
    arguments.add_argument("--photos", type=Path, required=True, help="folder of the photos")
    arguments.add_argument("--text", default="sentence-transformers/all-MiniLM-L6-v2")
    arguments.add_argument("--image-epochs", type=int, default=IMAGE_EPOCHS)
    arguments.add_argument("--text-epochs", type=int, default=TEXT_EPOCHS)
    arguments.add_argument(
        "--cut", action="store_true",
        help="cut off padding, which no score depends on: quicker, where only those are wanted",
    )  # fmt: skip
    given = arguments.parse_args()
    torch.manual_seed(7)
    table = pd.read_parquet(given.folder / "data/prepared/listings.parquet")
    raw = pd.read_parquet(given.folder / "data/raw/listings.parquet").set_index("id")
    names = raw.loc[table["id"], "photo"]
    files = [given.photos / name if isinstance(name, str) else None for name in names]
    classes, y = np.unique(table["category"], return_inverse=True)
    train, test = ((table["split"] == part).to_numpy().nonzero()[0] for part in ("train", "test"))
    texts = (table["title"] + ". " + table["text"]).tolist()
    kind = "package" if "MiniLM" in given.text else "random"
    blocks, began = [], time.perf_counter()
    work = Path(".work/plain")
    image = image_network("tf_efficientnet_lite0", "package", work / "image", len(classes))
    text, tokenizer = text_network(given.text, kind, work / "text", texts, len(classes))
    datas = Photos(files, y), Texts(texts, tokenizer, y)
    for name, model, data, epochs in (
        ("image", image, datas[0], given.image_epochs),
        ("text", text, datas[1], given.text_epochs),
    ):
        model(next(iter(DataLoader(data, 2)))[0])
        optimizer = torch.optim.AdamW(model.parameters(), lr=LR[name])
        for epoch in range(epochs):
            each = train_epoch(model, Subset(data, train.tolist()), optimizer, None, given.cut)
            _, _, probs = embed(model, Subset(data, test.tolist()), cut=given.cut)
            f1 = f1_score(y[test], probs.argmax(1), average="macro")
            seconds = each * len(train)
            print(f"{name}, epoch {epoch + 1}: {seconds:.0f} s, macro F1 {f1:.3f}", flush=True)
        _, x, _ = embed(model, data, cut=given.cut)
        blocks.append(x)
        print(f"{name}: done after {time.perf_counter() - began:.0f} s", flush=True)
    joined = np.concatenate(blocks, axis=1)
    head = LogisticRegression(max_iter=1000).fit(joined[train], y[train])
    f1 = f1_score(y[test], head.predict(joined[test]), average="macro")
    print(f"joined: macro F1 {f1:.3f} after {time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main()
