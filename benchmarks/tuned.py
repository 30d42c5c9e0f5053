"""Fine-tuned against frozen: the same network, the same listings, and both together.

    python -m benchmarks.tuned FOLDER text e5_small --set epochs=3 lr=1e-4 --kept KEPT

FOLDER is a clone in which the stages before training have run, with `prepare.split=folds` and that
row, whose `tune` is kernel. In each round the row and its network fine-tuned are fitted on train;
the best epoch is chosen on val, and so are the weights of their log-probabilities where both are
joined. A run that is stopped goes on after its last epoch, given the same KEPT.
"""

from __future__ import annotations

import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from ruamel.yaml import YAML
from sklearn.metrics import accuracy_score, f1_score

from src.core.listings import labels_of
from src.core.params import parse_params, read_yaml
from src.core.rounds import cv_rounds
from src.core.schema import TrainedImage, TrainedText
from src.encoders.common.encoder import Encoder, FitPlan
from src.encoders.image.train import image_encoder
from src.encoders.text.train import text_encoder
from src.fusion.conditional_logit import ConditionalLogit

# Where a row does not say them; `--set` changes any.
RECIPE = {
    "tune": "full",
    "folds": 0,
    "epochs": 4,
    "patience": 4,
    "batch": 32,
    "weight_decay": 0.01,
    "dropout": 0.1,
    "gradient_clip": 1.0,
    "schedule": "linear",
    "warmup": 0.1,
    "imbalance": "weights",
}
KINDS: dict[str, dict[str, Any]] = {
    "image": {"lr": 1e-3, "layer_decay": 0.9, "freeze_epochs": 1, "label_smoothing": 0.1},
    "text": {"lr": 1e-4},
}


def main() -> None:
    options = ArgumentParser(description=__doc__)
    options.add_argument("folder", type=Path)
    options.add_argument("kind", choices=KINDS)
    options.add_argument("row")
    options.add_argument("--rounds", type=int, default=1, help="so many of the folds")
    options.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE")
    options.add_argument("--precision", default="32-true")
    options.add_argument("--kept", type=Path)
    given = options.parse_args()
    data = given.folder / "data"
    params = parse_params(read_yaml(str(given.folder / "params.yaml")))
    table = pd.read_parquet(data / "prepared" / "listings.parquet")
    _, labels = labels_of(table)
    image = given.kind == "image"
    frozen: Any = (params.image_models if image else params.text_models)[given.row]
    schema: Any = TrainedImage if image else TrainedText
    shared = {key: value for key, value in dict(frozen).items() if key in schema.model_fields}
    tuned = schema.model_validate({**shared, **RECIPE, **KINDS[given.kind], **changes(given.set)})
    trainer = params.trainer.model_copy(update={"precision": given.precision})
    if given.kept is not None:
        given.kept.mkdir(parents=True, exist_ok=True)

    judged: dict[str, list[Any]] = {"frozen": [], "tuned": [], "both": []}
    tests = []
    for number, split in enumerate(cv_rounds(table)[: given.rounds]):
        said: dict[str, Any] = {}
        val, test = ((split == part).to_numpy() for part in ("val", "test"))
        for name, settings in (("frozen", frozen), ("tuned", tuned)):
            args = (table, given.row, settings, trainer, params.seed, data)
            encoder = image_encoder(*args) if image else text_encoder(*args)
            plan = FitPlan(params.seed, f"{name} {number}", unfinished=given.kept)
            start = time.perf_counter()
            said[name] = log_probs(encoder, split, plan, labels)
            print(f"{name}, round {number}: {time.perf_counter() - start:.0f} s")
            show(f"round {number}, val", name, said[name], labels, val)
        said["both"] = joined(list(said.values()), labels, val)
        for name, scores in said.items():
            show(f"round {number}, test", name, scores, labels, test)
            judged[name].append(scores[test])
        tests.append(np.flatnonzero(test))
    rows = np.concatenate(tests)
    for name, parts in judged.items():
        show(f"{len(rows)} listings", name, np.concatenate(parts), labels[rows])


def changes(given: list[str]) -> dict[str, Any]:
    """Read `key=value` with values as in params.yaml."""
    yaml = YAML(typ="safe")
    return {key: yaml.load(value) for key, _, value in (one.partition("=") for one in given)}


def log_probs(
    encoder: Encoder, split: pd.Series, plan: FitPlan, labels: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Fit on train, and return log-probabilities of val and test, [N, C]; elsewhere level ones."""
    read = split.to_numpy()[encoder.rows]
    train, val = (np.flatnonzero(read == name) for name in ("train", "val"))
    model, curves = encoder.fit(train, FitPlan(plan.seed, plan.name, val, None, plan.unfinished))
    if len(curves):
        print(curves.to_string(index=False))
    probs = np.full((len(split), labels.max() + 1), 1 / (labels.max() + 1))
    others = np.flatnonzero(read != "train")
    probs[encoder.rows[others]] = encoder.score(model, others).probs
    return np.log(np.clip(probs, 1e-9, None))


def joined(
    parts: list[NDArray[np.float64]], labels: NDArray[np.int64], val: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Weigh the parts' log-probabilities, [N, C] each, as val has it."""
    x = np.hstack(parts).astype(np.float32)
    model = ConditionalLogit(parts[0].shape[1], penalty=0.03).fit(x[val], labels[val])
    return model.predict_proba(x)


def show(
    where: str,
    name: str,
    scores: NDArray[np.float64],
    labels: NDArray[np.int64],
    rows: NDArray[np.bool_] | slice = slice(None),
) -> None:
    best, y = scores[rows].argmax(1), labels[rows]
    f1 = f1_score(y, best, average="macro")
    print(f"{where}, {name}: {f1:.4f} / {accuracy_score(y, best):.4f}", flush=True)


if __name__ == "__main__":
    main()
