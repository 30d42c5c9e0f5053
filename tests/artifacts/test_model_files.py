"""Saved scikit-learn models: equal bytes in every process, read back without pickle."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import skops.io

from src.artifacts.model_files import save_sklearn
from src.core.files import read_json
from src.core.listings import labels_of
from src.encoders.text.tfidf import BagOfWords
from src.fusion.blocks import Block
from src.fusion.fused import FusedClassifier, save_fused
from src.fusion.heads import make_head
from tests.made import made_table

ROOT = Path(__file__).parents[2]
SETTINGS: dict[str, dict[str, Any]] = {
    "nn": {"hidden_layer_sizes": [8], "max_iter": 5},
    "logreg": {"C": 1.0, "class_weight": "balanced"},
    "knn": {"n_neighbors": 5, "weights": "distance"},
    "random_forest": {"n_estimators": 5, "class_weight": "balanced_subsample"},
    "stack": {"penalty": 0.01},
}
# What these models are made of beside scikit-learn's, numpy's and scipy's own types.
OWN = {
    "src.fusion.heads.BalancedMLP",
    "src.fusion.heads.Neighbours",
    "src.fusion.conditional_logit.ConditionalLogit",
}


def fitted(kind: str) -> tuple[Any, Any]:
    """Fit one model; return it with what it can score."""
    if kind == "tfidf":
        table = made_table()
        words = table.assign(
            title=table["title_words"].str.split(), body=table["text_words"].str.split()
        )
        spec = {"C": 10.0, "components": 4, "imbalance": "weights"}
        bag = BagOfWords(table, words, labels_of(table)[1], 3, spec, seed=7)
        model, _ = bag.fit(np.arange(36), np.arange(36, 48), 0)
        return model, bag
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 7)).astype(np.float32)
    y = np.arange(60) % 3
    return make_head(kind, SETTINGS[kind], 3, seed=7).fit(x, y), x


def save_all(folder: str) -> None:
    """Save one model of each kind; runs in a process of its own."""
    for kind in [*SETTINGS, "tfidf"]:
        save_sklearn(fitted(kind)[0], Path(folder) / f"{kind}.skops")


def test_equal_models_are_equal_bytes_in_every_process(tmp_path: Path) -> None:
    # Two processes with other addresses, hashes and times.
    folders = [tmp_path / name for name in ("one", "two")]
    for seed, folder in enumerate(folders):
        folder.mkdir()
        code = (
            f"kept = [object() for _ in range({seed * 12345})]\n"
            f"from tests.artifacts.test_model_files import save_all; save_all({str(folder)!r})"
        )
        env = os.environ | {"PYTHONHASHSEED": str(seed)}
        subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, env=env)
    for kind in [*SETTINGS, "tfidf"]:
        one, two = ((folder / f"{kind}.skops").read_bytes() for folder in folders)
        assert one == two, kind


@pytest.mark.parametrize("kind", [*SETTINGS, "tfidf"])
def test_a_saved_model_is_read_back_with_known_types_and_predicts_the_same(
    kind: str, tmp_path: Path
) -> None:
    path = tmp_path / "model.skops"
    model, x = fitted(kind)
    save_sklearn(model, path)
    types = skops.io.get_untrusted_types(file=path)
    assert [t for t in types if t.split(".")[0] not in ("numpy", "scipy", "sklearn")] == [
        t for t in types if t in OWN
    ]
    loaded = skops.io.load(path, trusted=types)
    if kind == "tfidf":
        for found, expected in zip(
            x.score(loaded, np.arange(60)), x.score(model, np.arange(60)), strict=True
        ):
            np.testing.assert_allclose(found, expected, atol=1e-6)
    else:
        np.testing.assert_allclose(loaded.predict_proba(x), model.predict_proba(x), atol=1e-6)


def test_a_fused_model_is_saved_by_what_its_heads_read(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    y, everything = np.arange(60) % 3, np.ones(60, bool)
    blocks = {
        name: Block(rng.normal(size=(60, d)).astype(np.float32), everything, everything)
        for name, d in (("photo", 3), ("text", 3), ("price", 1))
    }
    head = make_head("stack", SETTINGS["stack"], 3, seed=7)
    model = FusedClassifier(head, 3).fit(blocks, y, everything)
    save_fused(model, np.array(["a", "b", "c"]), tmp_path / "out")
    about = read_json(tmp_path / "out" / "model.json")
    assert about["classes"] == ["a", "b", "c"]
    assert about["prior"] == pytest.approx([1 / 3] * 3)
    path = tmp_path / "out" / "model.skops"
    heads = skops.io.load(path, trusted=skops.io.get_untrusted_types(file=path))
    assert set(heads) == {
        "photo", "text", "price", "photo+text", "photo+price", "text+price", "photo+text+price"
    }  # fmt: skip
    read = FusedClassifier(None, 3)
    read.prior = np.array(about["prior"])
    read.heads = {tuple(name.split("+")): head for name, head in heads.items()}
    np.testing.assert_allclose(read.predict_proba(blocks), model.predict_proba(blocks), atol=1e-6)


def test_tfidf_does_without_titles_and_with_classes_that_a_fold_lacks() -> None:
    table = made_table()
    words = pd.DataFrame(
        {"id": table["id"], "title": [[]] * 60, "body": table["text_words"].str.split()}
    )
    spec = {"C": 10.0, "components": 4, "imbalance": "weights"}
    bag = BagOfWords(table, words, labels_of(table)[1], 3, spec, seed=7)
    two = np.flatnonzero(labels_of(table)[1] != 1)
    model, curves = bag.fit(two, np.arange(36, 48), 0)
    x, probs = bag.score(model, np.arange(60))
    assert not len(curves)
    assert x.shape == (60, 4)
    assert not probs[:, 1].any()
    right = probs.argmax(1) == labels_of(table)[1]
    assert right[two].mean() > 0.9


def test_tfidf_learns_words_of_its_fitting_rows_alone() -> None:
    model, bag = fitted("tfidf")
    bag.texts.loc[bag.texts.index[50], "whole"] += " шифоньер шифоньер"
    again, _ = bag.fit(np.arange(36), np.arange(36, 48), 0)
    for one in (model, again):
        words = one.named_steps["vectors"].named_transformers_["words"].vocabulary_
        assert "книги" in words
        assert "шифоньер" not in words
