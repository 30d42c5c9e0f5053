"""What an hour on the page of labels is worth, on the demo, where the truth is known.

Needs a finished `dvc repro` of the demo. One kernel machine reads the frozen features that the
chosen image and text rows have left, so that each of some thousand fits takes a moment.

1. 8 % of all labels are wrong. The first 100 suspects, as the page shows them, get the true label;
   so do 100 listings at random. The score is macro F1 on test by the labels at hand, which is what
   `dvc repro` measures, and by the truth, which is what the model is worth.
2. 200 listings of train and val have a label, a right one. 100 others get one: those that the page
   chooses, or any. The score is macro F1 on test by the truth.

`python -m benchmarks.review` writes docs/images/review.svg and prints the figures.
"""

from __future__ import annotations

from argparse import ArgumentParser
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from src.artifacts.outputs import RowOutput
from src.core.errors import UserError, run_command
from src.core.params import all_params
from src.encoders.common.kernel import KernelRidgeClassifier
from src.evaluation.label_errors import find_label_errors
from src.evaluation.scores import macro_f1
from src.fusion.blocks import of_unit_length
from src.pages.teaching import most_teaching

WRONG, LABELLED, LOOKED_AT = 0.08, 200, 100
STEPS = range(0, LOOKED_AT + 1, 20)
GAMMA, PENALTY = 2.0, 0.15
PICTURE = Path("docs/images/review.svg")
NAMES = {
    "suspects": "the first suspects", "any": "any listings",
    "suspects, truth": "the first suspects, by the truth", "any, truth": "any, by the truth",
    "chosen": "chosen by the page", "random": "any listings",
}  # fmt: skip
COLOURS = {True: "#2457c5", False: "#66707d"}


@dataclass(frozen=True)
class Market:
    """Listings of the demo: features [N, D], their kernel [N, N], true classes [N], groups [N]."""

    x: NDArray[np.float32]
    kernel: NDArray[np.float64]
    y: NDArray[np.int64]
    group: NDArray[np.object_]
    ids: NDArray[np.str_]
    pool: NDArray[np.intp]
    test: NDArray[np.intp]

    def fit(self, rows: NDArray[np.intp], labels: NDArray[np.int64]) -> KernelRidgeClassifier:
        """Fit on some rows with these labels, and score each without its group."""
        return self._fitted(rows, labels, self.group[rows])

    def predict(self, rows: NDArray[np.intp], labels: NDArray[np.int64]) -> NDArray[np.int64]:
        """Fit on some rows with these labels, and return the classes predicted for test."""
        # In one group there is nothing to leave out, which is most of the work.
        model = self._fitted(rows, labels, np.zeros(len(rows)))
        said: NDArray[np.int64] = model.predict(self.kernel[np.ix_(self.test, rows)])
        return said

    def _fitted(
        self, rows: NDArray[np.intp], labels: NDArray[np.int64], groups: NDArray[Any]
    ) -> KernelRidgeClassifier:
        return KernelRidgeClassifier(PENALTY, "balanced").fit(
            self.kernel[np.ix_(rows, rows)], labels, groups=groups,
            classes=np.arange(self.y.max() + 1),
        )  # fmt: skip


def score(actual: NDArray[np.int64], predicted: NDArray[np.int64]) -> float:
    return macro_f1(actual.astype(str), predicted.astype(str))


def read_market(data: Path) -> Market:
    truth = data / "raw" / "notes" / "truth.parquet"
    if not truth.exists():
        raise UserError(f"{truth} is missing; run `dvc repro` with collect.source: demo first")
    table = pd.read_parquet(data / "prepared" / "listings.parquet")
    true = pd.read_parquet(truth).set_index("id")["category"].loc[table["id"]]
    params, blocks = all_params(), []
    for row in (params.model, params.text_model):
        output = RowOutput.load(data / "embeddings" / row).full
        if not output.frozen:
            raise UserError(f"{row} is trained; expected rows with `tune: kernel`, as by default")
        block = np.zeros((len(table), output.features.shape[1]), np.float32)
        block[pd.Index(table["id"]).get_indexer(pd.Index(output.ids))] = of_unit_length(
            output.features - output.features.mean(0)
        )
        blocks.append(block)
    # A photo or text that is missing is like no other.
    there = [(block != 0).any(1) for block in blocks]
    kernel = sum(
        np.exp(GAMMA * (block @ block.T - 1)) * np.outer(has, has)
        for block, has in zip(blocks, there, strict=True)
    )
    split = table["split"].to_numpy(dtype=str)
    return Market(
        x=np.concatenate(blocks, axis=1),
        kernel=np.asarray(kernel, np.float64) / 2,
        y=np.unique(true.to_numpy(dtype=str), return_inverse=True)[1].astype(np.int64),
        group=table["group"].to_numpy(dtype=object),
        ids=table["id"].to_numpy(dtype=str),
        pool=np.flatnonzero(split != "test"),
        test=np.flatnonzero(split == "test"),
    )


def wrong_labels(market: Market, rng: np.random.Generator) -> dict[str, list[float]]:
    """Return macro F1 by the number of labels looked at, by suspicion and at random."""
    true, classes, pool, test = market.y, market.y.max() + 1, market.pool, market.test
    wrong = rng.random(len(true)) < WRONG
    labels = np.where(wrong, (true + rng.integers(1, classes, len(true))) % classes, true)
    model = market.fit(pool, labels[pool])
    probs = np.empty((len(true), classes), np.float32)
    probs[pool] = model.left_out_probs()
    probs[test] = model.predict_proba(market.kernel[np.ix_(test, pool)])
    names, reasons = np.arange(classes).astype(str), np.zeros((len(true), 3, classes), np.float32)
    suspects = find_label_errors(market.ids, labels, names, probs, reasons)["id"]
    orders = {
        "suspects": pd.Index(market.ids).get_indexer(pd.Index(suspects)),
        "any": rng.permutation(len(true)),
    }
    scores: dict[str, list[float]] = {}
    for name, order in orders.items():
        hits = int(wrong[order[:LOOKED_AT]].sum())
        print(f"{name}: {hits} of {min(LOOKED_AT, len(order))} are wrong, of {wrong.sum()}")
        for n in STEPS:
            now = labels.copy()
            now[order[:n]] = true[order[:n]]
            said = market.predict(pool, now[pool])
            scores.setdefault(name, []).append(score(now[test], said))
            scores.setdefault(f"{name}, truth", []).append(score(true[test], said))
    return scores


def new_labels(market: Market, rng: np.random.Generator) -> dict[str, list[float]]:
    """Return macro F1 by the number of listings labelled more, chosen and at random."""
    shuffled = rng.permutation(market.pool)
    labelled, rest = shuffled[:LABELLED], shuffled[LABELLED:]
    model = market.fit(labelled, market.y[labelled])
    probs = np.sort(model.predict_proba(market.kernel[np.ix_(rest, labelled)]), axis=1)
    margins = probs[:, -1] - probs[:, -2]
    scores: dict[str, list[float]] = {"chosen": [], "random": []}
    for n in STEPS:
        chosen = most_teaching(margins, market.x[rest], n) if n else np.empty(0, np.intp)
        for name, more in (("chosen", rest[chosen]), ("random", rest[:n])):
            rows = np.concatenate([labelled, more])
            said = market.predict(rows, market.y[rows])
            scores[name].append(score(market.y[market.test], said))
    return scores


def summarised(runs: list[dict[str, list[float]]]) -> pd.DataFrame:
    """Return a line for each way and number of labels: mean and standard error of macro F1."""
    lines = []
    for name in runs[0]:
        scores = np.array([run[name] for run in runs])
        error = scores.std(0, ddof=1) / np.sqrt(len(runs))
        lines.append(
            pd.DataFrame({"way": name, "labels": STEPS, "f1": scores.mean(0), "error": error})
        )
    return pd.concat(lines, ignore_index=True)


def draw(found: dict[str, pd.DataFrame], path: Path) -> None:
    # Imported late: only a picture needs it.
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot as plt

    plt.rcParams["svg.hashsalt"] = "review"
    figure, places = plt.subplots(1, len(found), figsize=(10, 4), layout="constrained")
    for place, (title, table) in zip(places, found.items(), strict=True):
        for name, own in table.groupby("way", sort=False):
            color = COLOURS[str(name).startswith(("suspects", "chosen"))]
            dashes = "--" if str(name).endswith("truth") else "-"
            place.plot(own["labels"], own["f1"], dashes, color=color, label=NAMES[str(name)])
            low, high = own["f1"] - 2 * own["error"], own["f1"] + 2 * own["error"]
            place.fill_between(own["labels"], low, high, color=color, alpha=0.15, linewidth=0)
        place.set(title=title, xlabel="labels given by a person", ylabel="macro F1 on test")
        place.legend(frameon=False, ncols=2, loc="upper center", bbox_to_anchor=(0.5, -0.2))
        place.spines[["top", "right"]].set_visible(False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Date": None})


def main() -> None:
    parser = ArgumentParser("python -m benchmarks.review", description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("data"), help="of a finished dvc repro")
    parser.add_argument("--runs", type=int, default=10, help="draws of each (default 10)")
    options = parser.parse_args()
    market = read_market(options.data)
    ways = {"8 % of the labels are wrong": wrong_labels, "200 labels are there": new_labels}
    found = {
        title: summarised([way(market, np.random.default_rng(run)) for run in range(options.runs)])
        for title, way in ways.items()
    }
    for title, table in found.items():
        print(f"\n{title}; means of {options.runs} draws, ± the standard error\n")
        pairs = zip(table["f1"], table["error"], strict=True)
        shown = table.assign(f1=[f"{mean:.3f} ± {error:.3f}" for mean, error in pairs])
        print(shown.pivot(index="labels", columns="way", values="f1").to_string())
    draw(found, PICTURE)


if __name__ == "__main__":
    run_command(main)
