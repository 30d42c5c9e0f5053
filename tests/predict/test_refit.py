"""A bundle's models fitted again on all listings."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from src.artifacts.outputs import RowOutput
from src.core.errors import UserError
from src.core.files import read_json
from src.encoders.common import features
from src.encoders.common.encoder import FitPlan
from src.encoders.common.fine_tune import FineTune
from src.encoders.text.tfidf import TfidfEncoder
from src.fusion.fuse import fuse
from src.fusion.fused import FusedClassifier
from src.predict import refit
from src.predict.bundle import read_bundle
from src.predict.predictor import Predictor
from src.predict.refit import refit_models
from tests.predict.conftest import TRAINER, Pipeline
from tests.predict.test_predictor import predict_test_split


def test_a_bundle_says_what_its_models_were_fitted_on_and_whose_the_scores_are(
    pipeline: Pipeline, bundle: Path, tmp_path: Path
) -> None:
    # Of 60 listings 12 are of test. Three lack a photo, three a text; one text is nothing known.
    # Of val and test, which heads learn from, 18 have photo, text and price.
    judged = read_bundle(bundle)
    assert judged.scores_are_of == "these models"
    assert judged.fitted_on == {"image": 47, "text": 47, "fused": 12}
    refitted = read_bundle(pipeline.bundle(tmp_path / "b", refit=True))
    assert refitted.scores_are_of == "the same models, fitted without the test split"
    assert refitted.fitted_on == {"image": 57, "text": 57, "fused": 18}


@pytest.mark.parametrize(
    ("text_row", "fused_row"),
    [
        ("tfidf", "stack"),
        ("tiny", "nn"),
        ("mixed", "random_forest"),
        ("tfidf", "gbdt"),
        ("joined", "nn"),
    ],
)
def test_the_models_of_a_bundle_are_fitted_on_the_test_split_too(
    text_row: str, fused_row: str, pipeline: Pipeline, tmp_path: Path
) -> None:
    pipeline.predictions(text_row, fused_row)
    rows = {"text_row": text_row, "fused_row": fused_row}
    judged = predict_test_split(pipeline, pipeline.bundle(tmp_path / "judged", **rows))
    folder = pipeline.bundle(tmp_path / "b", refit=True, **rows)
    found = predict_test_split(pipeline, folder)
    assert found.used == judged.used
    assert np.abs(found.probs - judged.probs).max() > 1e-3
    for kind in ("image", "text", "fused"):
        name = "model.npz" if kind == "fused" or text_row == kind == "tfidf" else "model.json"
        assert (folder / kind / name).exists()
    for row in ("cnn", text_row):
        about = "image" if row == "cnn" else "text"
        for part in ("first", "second") if row == "joined" else (".",):
            stored = pipeline.data / "checkpoints" / row / part / "model.json"
            settings = read_json(folder / about / part / "model.json")["settings"]
            assert settings == read_json(stored)["settings"]


def note_what_heads_read(monkeypatch: pytest.MonkeyPatch) -> dict[str, RowOutput]:
    """Return what will hold, under `text`, the outputs that the fused model learns from."""
    learned: dict[str, RowOutput] = {}

    def noting(table, image, text, *settings):  # type: ignore[no-untyped-def]
        learned["text"] = text
        return fuse(table, image, text, *settings)

    monkeypatch.setattr(refit, "fuse", noting)
    return learned


def test_heads_that_read_features_learn_them_in_the_space_of_the_models_fitted_again(
    pipeline: Pipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    learned = note_what_heads_read(monkeypatch)
    folder = pipeline.bundle(tmp_path / "b", fused_row="knn", refit=True)
    judged, moved = RowOutput.load(pipeline.data / "embeddings" / "tfidf"), learned["text"]
    model = Predictor(folder).text
    assert model is not None
    table = pd.read_parquet(pipeline.data / "prepared.parquet").set_index("id")
    for one, other in ((judged.full, moved.full), (judged.out_of_fold, moved.out_of_fold)):
        np.testing.assert_array_equal(one.probs, other.probs)
        read = model.score(table.loc[one.ids].reset_index()).features
        # Heads read directions.
        assert np.median(cosines(other.features, read)) > 0.95
        assert np.median(cosines(one.features, read)) < 0.6


def cosines(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the cosine of each row of one with that of the other, [N]."""
    lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    cosine: NDArray[np.float32] = (a * b).sum(1) / lengths
    return cosine


def test_networks_run_the_epochs_that_val_found(
    pipeline: Pipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plans: dict[str, tuple[int, FitPlan]] = {}
    for kind in (FineTune, TfidfEncoder):
        fit = kind.fit

        def noting(self, train, plan, fit=fit):  # type: ignore[no-untyped-def]
            plans[plan.name] = len(train), plan
            return fit(self, train, plan)

        monkeypatch.setattr(kind, "fit", noting)
    pipeline.bundle(tmp_path / "b", refit=True)
    curves = pd.read_csv(pipeline.data / "checkpoints" / "cnn" / "curves.csv")
    best = int(curves["epoch"][curves["val_f1_macro"].argmax()])
    assert plans == {
        "cnn, all listings": (57, FitPlan(7, "cnn, all listings", None, best)),
        "tfidf, all listings": (57, FitPlan(7, "tfidf, all listings", None, None)),
    }


def test_frozen_features_are_not_computed_again(
    pipeline: Pipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object) -> None:
        raise AssertionError("the features lie in data/embeddings")

    monkeypatch.setattr(features, "gather", never)
    pipeline.predictions("mixed", "stack")
    folder = pipeline.bundle(
        tmp_path / "b", image_row="", text_row="mixed", fused_row="", refit=True
    )
    assert read_bundle(folder).fitted_on == {"text": 56}
    model = Predictor(folder).text
    assert model is not None
    table = pd.read_parquet(pipeline.data / "prepared.parquet")
    monkeypatch.undo()
    full = RowOutput.load(pipeline.data / "embeddings" / "mixed").full
    scored = model.score(table.set_index("id").loc[full.ids].reset_index())
    np.testing.assert_allclose(scored.features, full.features, atol=1e-5)


def test_models_are_fitted_again_on_one_machine(pipeline: Pipeline, tmp_path: Path) -> None:
    # Fits on two would ask for the address of the other.
    table, two = pd.read_parquet(pipeline.data / "prepared.parquet"), {"nodes": 2}
    trainer = TRAINER.model_copy(update=two)
    counts = refit_models(
        pipeline.data, tmp_path / "b", table, {"image": "cnn"}, None, trainer, seed=7
    )
    assert counts == {"image": 57}


def test_heads_learn_from_every_listing_that_no_encoder_saw(
    pipeline: Pipeline, tmp_path: Path
) -> None:
    folder = pipeline.bundle(tmp_path / "b", refit=True)
    table = pd.read_parquet(pipeline.data / "prepared.parquet")
    prior = FusedClassifier.load(folder / "fused").prior_
    np.testing.assert_allclose(prior, table["category"].value_counts(normalize=True).sort_index())


@pytest.mark.parametrize("rows", [("cnn", ""), ("", "tfidf"), ("", "mixed")], ids=str)
def test_one_model_alone_is_fitted_again(
    rows: tuple[str, str], pipeline: Pipeline, tmp_path: Path
) -> None:
    image, text = rows
    folder = pipeline.bundle(
        tmp_path / "b", image_row=image, text_row=text, fused_row="", refit=True
    )
    found = predict_test_split(pipeline, folder)
    assert sum(bool(used) for used in found.used) >= 9


def test_embeddings_of_other_listings_are_refused(pipeline: Pipeline, tmp_path: Path) -> None:
    data = tmp_path / "data"
    shutil.copytree(pipeline.data, data)
    row = data / "embeddings" / "mixed"
    stored = RowOutput.load(row)
    RowOutput(stored.full.subset(np.arange(5)), stored.out_of_fold).save(row)
    other = replace(pipeline, data=data)
    with pytest.raises(UserError, match=r"embeddings/mixed is of other listings") as error:
        other.bundle(tmp_path / "b", image_row="", text_row="mixed", fused_row="", refit=True)
    assert "\n" not in str(error.value)


def test_a_joined_row_is_joined_again_out_of_fold_for_every_listing(
    pipeline: Pipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    learned = note_what_heads_read(monkeypatch)
    folder = pipeline.bundle(tmp_path / "b", text_row="joined", fused_row="knn", refit=True)
    table = pd.read_parquet(pipeline.data / "prepared.parquet")
    found = learned["text"].out_of_fold
    # Val, which the parts scored without folds, and test.
    read = table["id"].isin(learned["text"].full.ids) & (table["split"] != "train")
    assert found.ids.tolist() == table["id"][read].tolist()
    found.require_unseen(table.set_index("id")["group"], "heads")
    model = Predictor(folder).text
    assert model is not None
    x = model.score(table[read]).features
    np.testing.assert_array_less(0.9, np.median(cosines(found.features, x)))
