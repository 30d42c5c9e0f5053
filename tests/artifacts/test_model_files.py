"""Saved scikit-learn models: equal bytes in every process, read back without pickle."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skops.io
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import VALID_METRICS
from sklearn.pipeline import make_pipeline

from src.artifacts.model_files import load_sklearn, require_known_types, save_sklearn
from src.core.errors import UserError
from src.core.files import read_json
from src.fusion.blocks import Block
from src.fusion.fused import FusedClassifier
from src.fusion.heads import HEAD_TYPES, Standardise, Voters, make_head, require_settings
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
        vectors = ColumnTransformer(
            [
                ("words", TfidfVectorizer(ngram_range=(1, 2)), "text_words"),
                ("characters", TfidfVectorizer(analyzer="char_wb"), "title_words"),
            ]
        )
        texts = table.astype({"text_words": object, "title_words": object})
        model = make_pipeline(vectors, TruncatedSVD(4, random_state=7), LogisticRegression())
        return model.fit(texts, labels(table)), texts
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 7)).astype(np.float32)
    y = np.arange(60) % 3
    return make_head(kind, SETTINGS[kind], 3, seed=7).fit(x, y), x


def save_all(folder: str) -> None:
    """Save one model of each kind; runs in a process of its own."""
    for kind in [*SETTINGS, "tfidf"]:
        save_sklearn(fitted(kind)[0], Path(folder) / f"{kind}.skops")


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
        one, two = ((folder / f"{kind}.skops").read_bytes() for folder in folders)
        assert one == two, kind


@pytest.mark.parametrize("kind", [*SETTINGS, "tfidf"])
def test_a_saved_model_is_read_back_with_known_types_and_predicts_the_same(
    kind: str, tmp_path: Path
) -> None:
    path = tmp_path / "model.skops"
    model, x = fitted(kind)
    save_sklearn(model, path)
    own = {f"{one.__module__}.{one.__qualname__}" for one in HEAD_TYPES}
    types = skops.io.get_untrusted_types(file=path)
    assert [t for t in types if t.split(".")[0] not in ("numpy", "scipy", "sklearn")] == [
        t for t in types if t in own
    ]
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
    save_sklearn(head, tmp_path / "model.skops")
    loaded = load_sklearn(tmp_path / "model.skops", HEAD_TYPES)
    np.testing.assert_array_equal(loaded.predict_proba(x), head.predict_proba(x))


def test_a_class_that_the_caller_does_not_trust_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "model.skops"
    save_sklearn(fitted("knn")[0], path)
    require_known_types(path, [Standardise, Voters])
    for check in (require_known_types, load_sklearn):
        with pytest.raises(
            UserError, match=r"not trusted: src\.fusion\.heads\.Standardise"
        ) as error:
            check(path)
        assert "\n" not in str(error.value)
    path.write_bytes(b"broken")
    with pytest.raises(UserError, match=r"model\.skops is not a whole skops file"):
        load_sklearn(path, HEAD_TYPES)


def test_a_fused_model_is_saved_by_what_its_heads_read(tmp_path: Path) -> None:
    model, blocks = fused()
    model.save(tmp_path / "out")
    content = read_json(tmp_path / "out" / "model.json")
    assert content["classes"] == ["a", "b", "c"]
    assert content["prior"] == pytest.approx([1 / 3] * 3)
    assert set(content["starts"]) == {
        "photo", "text", "price", "photo+text", "photo+price", "text+price", "photo+text+price"
    }  # fmt: skip
    fitted = load_sklearn(tmp_path / "out" / "model.skops", HEAD_TYPES)
    assert set(fitted) == {"own", "heads", "joins"}
    read = FusedClassifier.load(tmp_path / "out")
    assert read.classes.tolist() == ["a", "b", "c"]
    np.testing.assert_allclose(read.predict_proba(blocks), model.predict_proba(blocks), atol=1e-6)
