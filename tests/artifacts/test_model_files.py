"""Saved scikit-learn models: equal bytes in every process, read back without pickle."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import VALID_METRICS
from sklearn.pipeline import make_pipeline

from src.artifacts.model_files import load_sklearn, require_known_types, save_sklearn
from src.core.errors import UserError
from src.core.files import read_json, write_npz
from src.fusion.blocks import Block
from src.fusion.fused import HEAD_TYPES, FusedClassifier
from src.fusion.heads import make_head, require_settings
from tests.made import labels, made_table

ROOT = Path(__file__).parents[2]
SETTINGS: dict[str, dict[str, Any]] = {
    "nn": {"hidden_layer_sizes": [8], "max_iter": 5},
    "logreg": {"C": 1.0, "class_weight": "balanced"},
    "knn": {"n_neighbors": 5, "weights": "distance"},
    "random_forest": {"n_estimators": 5, "class_weight": "balanced_subsample"},
    "stack": {"penalty": 0.01},
    "gbdt": {"max_iter": 5, "class_weight": "balanced"},
}


def fitted(kind: str) -> tuple[Any, Any]:
    """Fit one model; return it with what it was fitted on."""
    if kind == "tfidf":
        table = made_table()
        texts = table["text_words"].astype(object)
        words = TfidfVectorizer(ngram_range=(1, 2))
        model = make_pipeline(words, TruncatedSVD(4, random_state=7), LogisticRegression())
        return model.fit(texts, labels(table)), texts
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 7)).astype(np.float32)
    y = np.arange(60) % 3
    return make_head(kind, SETTINGS[kind], 3, seed=7).fit(x, y), x


def save_all(folder: str) -> None:
    """Save one model of each kind; runs in a process of its own."""
    for kind in [*SETTINGS, "tfidf"]:
        save_sklearn(fitted(kind)[0], Path(folder) / f"{kind}.npz")


def fused() -> tuple[FusedClassifier, dict[str, Block]]:
    """Fit a small fused model; return it with the blocks that it was fitted on."""
    rng = np.random.default_rng(0)
    everything = np.ones(60, bool)
    blocks = {}
    for name, d in (("photo", 3), ("text", 3), ("price", 1)):
        x = rng.normal(size=(60, d)).astype(np.float32)
        blocks[name] = Block(x, None if name == "price" else x, everything, everything)
    head = make_head("stack", SETTINGS["stack"], 3, seed=7)
    model = FusedClassifier([head], np.array(["a", "b", "c"]))
    return model.fit(blocks, np.arange(60) % 3, everything), blocks


def test_equal_models_are_equal_bytes_in_every_process(tmp_path: Path) -> None:
    # Two processes with different addresses, hashes and times.
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
        one, two = ((folder / f"{kind}.npz").read_bytes() for folder in folders)
        assert one == two, kind


@pytest.mark.parametrize("kind", [*SETTINGS, "tfidf"])
def test_a_saved_model_is_read_back_with_known_types_and_predicts_the_same(
    kind: str, tmp_path: Path
) -> None:
    path = tmp_path / "model.npz"
    model, x = fitted(kind)
    save_sklearn(model, path)
    loaded = load_sklearn(path, HEAD_TYPES)
    np.testing.assert_allclose(loaded.predict_proba(x), model.predict_proba(x), atol=1e-6)


@pytest.mark.filterwarnings("ignore:Data was converted to boolean")
@pytest.mark.parametrize(
    "settings",
    [{"metric": name} for name in sorted({*VALID_METRICS["ball_tree"], *VALID_METRICS["brute"]})]
    + [{"p": 1}, {"p": 1.5}, {"p": 3}],
    ids=str,
)
def test_a_metric_that_passes_the_check_is_read_back(
    settings: dict[str, Any], tmp_path: Path
) -> None:
    try:
        require_settings("fusion.knn.settings", "knn", settings)
    except UserError:
        return
    x = np.random.default_rng(0).uniform(0.1, 1, (60, 6))
    head = make_head("knn", settings, 3, seed=0).fit(x, np.tile([0, 1, 2], 20))
    save_sklearn(head, tmp_path / "model.npz")
    loaded = load_sklearn(tmp_path / "model.npz", HEAD_TYPES)
    np.testing.assert_array_equal(loaded.predict_proba(x), head.predict_proba(x))


def test_a_class_that_the_caller_does_not_trust_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "model.npz"
    save_sklearn(fitted("knn")[0], path)
    require_known_types(path, ["src.fusion.heads.Standardise", "src.fusion.heads.Voters"])
    for check in (require_known_types, load_sklearn):
        with pytest.raises(
            UserError, match=r"not trusted: src\.fusion\.heads\.Standardise"
        ) as error:
            check(path)
        assert "\n" not in str(error.value)
    for content in (b"broken", path.read_bytes()[:-30], b""):
        path.write_bytes(content)
        with pytest.raises(UserError, match=r"model\.npz is not a whole file of a model"):
            load_sklearn(path, HEAD_TYPES)


@pytest.mark.parametrize(
    "planted",
    [
        {"call": "os.mkdir", "args": ["FOLDER"], "state": None},
        {"new": "os._wrap_close", "args": [], "state": None},
        {
            "keys": ["head"],
            "values": [{"tuple": [{"call": "os.mkdir", "args": ["FOLDER"], "state": None}]}],
        },
        {"objects": [{"type": "os.mkdir"}], "shape": [1]},
    ],
    ids=str,
)
def test_a_file_that_names_anything_else_is_refused_before_that_is_made(
    planted: dict[str, Any], tmp_path: Path
) -> None:
    text = json.dumps(planted).replace("FOLDER", str(tmp_path / "made"))
    write_npz(tmp_path / "model.npz", {"model.json": np.frombuffer(text.encode(), np.uint8)})
    with pytest.raises(UserError, match=r"types that are not trusted: os\._?\w+;"):
        load_sklearn(tmp_path / "model.npz", HEAD_TYPES)
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize(
    "node", [{"dict": [["head", 1]]}, {"keys": ["a", "b"], "values": [1]}, {"keys": ["a"]}], ids=str
)
def test_a_file_of_another_form_is_not_taken_for_a_model(
    node: dict[str, Any], tmp_path: Path
) -> None:
    text = json.dumps({"tuple": [node]})
    write_npz(tmp_path / "model.npz", {"model.json": np.frombuffer(text.encode(), np.uint8)})
    with pytest.raises(UserError, match=r"model\.npz is not a whole file of a model"):
        load_sklearn(tmp_path / "model.npz")


def test_what_cannot_be_taken_apart_is_said_when_it_is_saved(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"collections\.OrderedDict holds more than its state"):
        save_sklearn({"heads": OrderedDict(a=1)}, tmp_path / "model.npz")
    assert not (tmp_path / "model.npz").exists()


def test_values_are_read_back_with_their_types(tmp_path: Path) -> None:
    shared = np.arange(6.0).reshape(2, 3)
    values = {
        1: (None, True, -3, 0.1, "текст", [1, "a"]),
        "set": {"b", "a"},
        "number": np.float32(0.1),
        "type": np.float64,
        "names": np.array(["a", 1, None], object).reshape(1, 3),
        "arrays": [shared, shared],
        "infinite": [float("inf"), np.float64("-inf")],
    }
    save_sklearn(values, tmp_path / "model.npz")
    found = load_sklearn(tmp_path / "model.npz")
    assert list(found) == list(values)
    for name in (1, "set", "number", "type", "infinite"):
        assert found[name] == values[name], name
    assert type(found["number"]) is np.float32
    assert found["names"].tolist() == [["a", 1, None]]
    assert found["arrays"][0] is found["arrays"][1]
    np.testing.assert_array_equal(found["arrays"][0], shared)


def test_random_numbers_go_on_where_they_were(tmp_path: Path) -> None:
    drawn = [np.random.default_rng(3), np.random.RandomState(3)]
    drawn[0].random(), drawn[1].random_sample()
    save_sklearn(drawn, tmp_path / "model.npz")
    found = load_sklearn(tmp_path / "model.npz")
    assert found[0].random() == drawn[0].random()
    assert found[1].random_sample() == drawn[1].random_sample()


def test_a_fused_model_is_saved_by_what_its_heads_read(tmp_path: Path) -> None:
    model, blocks = fused()
    model.save(tmp_path / "out")
    content = read_json(tmp_path / "out" / "model.json")
    assert content["classes"] == ["a", "b", "c"]
    assert content["prior"] == pytest.approx([1 / 3] * 3)
    assert set(content["starts"]) == {
        "photo", "text", "price", "photo+text", "photo+price", "text+price", "photo+text+price"
    }  # fmt: skip
    fitted = load_sklearn(tmp_path / "out" / "model.npz", HEAD_TYPES)
    assert set(fitted) == {"own", "components", "heads", "joins"}
    read = FusedClassifier.load(tmp_path / "out")
    assert read.classes.tolist() == ["a", "b", "c"]
    np.testing.assert_allclose(read.predict_proba(blocks), model.predict_proba(blocks), atol=1e-6)
