"""The real pipeline on a small demo: graph, caching, experiments, tracking, controls.

One copy of the repository lives through the whole module; its tests build on each other.
"""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import requests

from src.core.files import read_json
from src.evaluation.calibration import apply_temperature
from src.fusion.predictions import Predictions
from src.pages.decisions import Decisions
from src.pages.suspects import suspected
from tests.repo import Repo, copy_repository

ROWS = {"cnn", "efficientnet", "efficientnet_aug", "resnet50", "tfidf", "rubert_tiny2", "use"}
FUSED = {"nn", "logreg", "knn", "random_forest", "stack"}

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def repo(tmp_path_factory: pytest.TempPathFactory) -> Repo:
    folder = tmp_path_factory.mktemp("repo")
    repo = copy_repository(
        folder,
        collect__demo__listings=260,
        collect__demo__photo_size=64,
        pack__pixels=64,
        prepare__min_per_category=5,
        image_models__cnn__epochs=1,
        image_models__cnn__pixels=32,
        image_models__efficientnet__pixels=64,
        image_models__efficientnet_aug__pixels=64,
        image_models__efficientnet_aug__folds=2,
        image_models__efficientnet_aug__views=1,
        image_models__resnet50__epochs=1,
        image_models__resnet50__pixels=32,
        text_models__tfidf__folds=2,
        text_models__rubert_tiny2__epochs=1,
        text_models__rubert_tiny2__max_tokens=32,
        fusion__random_forest__settings__n_estimators=20,
        # So that its answers can be compared with the pipeline's.
        bundle__refit=False,
    )
    repo.run("dvc", "repro")
    repo.run("git", "add", "-A")
    repo.run("git", "commit", "-qm", "results")
    return repo


def test_the_table_has_every_row_and_says_where_its_weights_come_from(repo: Repo) -> None:
    table = repo.table()
    assert set(table) == ROWS | FUSED | {"logreg_leaky"}
    assert all(line["f1_macro"] and line["accuracy"] and line["n_test"] for line in table.values())
    assert table["resnet50"]["weights"] == "random"
    assert "ImageNet" in table["efficientnet"]["weights"]
    assert "logreg_leaky (*)" in (repo.folder / "metrics/table.md").read_text(encoding="utf-8")


def test_nothing_is_downloaded_or_pickled(repo: Repo) -> None:
    kinds = {p.suffix for p in (repo.folder / "data/checkpoints").rglob("*") if p.is_file()}
    assert kinds == {".safetensors", ".json", ".csv", ".npz", ".xml", ".bin"}


def test_a_second_repro_runs_no_stage(repo: Repo) -> None:
    assert repo.stages_run("dvc", "repro") == set()


def test_another_model_runs_fusion_and_evaluation_only(repo: Repo) -> None:
    ran = repo.stages_run("dvc", "exp", "run", "-S", "model=resnet50")
    expected = {f"fuse@{row}" for row in FUSED} | {"leaky", "evaluate", "report", "bundle", "track"}
    assert ran - {"check"} == expected
    diff = repo.run("dvc", "metrics", "diff")
    assert re.search(r"metrics/fused/stack\.json\s+f1_macro\s+0\.\d+\s+0\.\d+\s+-?0\.\d+", diff)
    assert "metrics/image/" not in diff
    assert repo.stages_run("dvc", "exp", "run", "-S", "model=efficientnet") == set()
    assert repo.run("git", "status", "--short", "metrics", "dvc.lock", "params.yaml") == ""


def test_mlflow_has_one_run_per_row_and_state(repo: Repo) -> None:
    # Every row once, and the fused and the leaky rows and the report once more for the other model.
    expected = sorted([*ROWS, *[*FUSED, "logreg_leaky", "report"] * 2])
    assert sorted(repo.runs()) == expected
    repo.run("dvc", "repro", "--force", "--single-item", "track")
    assert sorted(repo.runs()) == expected


def test_the_bundle_answers_as_the_pipeline_did(repo: Repo, tmp_path: Path) -> None:
    expected = Predictions.load(repo.folder / "data/predictions/stack.npz")
    raw = pd.read_parquet(repo.folder / "data/raw/listings.parquet").set_index("id")
    listings = raw.loc[expected.ids].reset_index()
    listings.rename(columns={"text": "description", "photo": "image"}).to_csv(tmp_path / "in.csv")
    repo.run(
        *("python", "-m", "src.predict", str(tmp_path / "in.csv")),
        *("--photos", "data/raw/photos", "--out", str(tmp_path / "out.csv")),
    )
    found = pd.read_csv(tmp_path / "out.csv", dtype={"id": str}, keep_default_na=False)
    assert found["id"].tolist() == expected.ids.tolist()
    temperature = read_json(repo.folder / "data/bundle/bundle.json")["temperature"]
    probs = found[[f"p_{name}" for name in expected.classes]].to_numpy(dtype=float)
    np.testing.assert_allclose(probs, apply_temperature(expected.probs, temperature), atol=1e-5)


def test_the_served_model_answers_as_the_command_line(repo: Repo, tmp_path: Path) -> None:
    printed = repo.run("dvc", "repro", "--force", "--single-item", "track")
    place = re.search(r"mlflow models serve -m (\S+) --env-manager local", printed)
    assert place
    raw = pd.read_parquet(repo.folder / "data/raw/listings.parquet")
    photo = repo.folder / "data/raw/photos" / raw["photo"].dropna().iloc[0]
    listings: list[dict[str, Any]] = [
        {"title": "Телефон", "text": "почти новый", "price": 9000.0, "photo": photo},
        {"text": "дубовый стол, звоните 8 905 123-45-67"},
        {"photo": photo, "price": 100.0},
    ]
    sent = [
        one | {"photo": base64.b64encode(photo.read_bytes()).decode()} if "photo" in one else one
        for one in listings
    ]
    with served(repo, place[1], tmp_path) as address:
        answer = requests.post(address, json={"dataframe_records": sent}, timeout=60)
        refused = requests.post(address, json={"dataframe_records": [{"title": ""}]}, timeout=60)
    assert answer.status_code == 200
    for one, found in zip(listings, answer.json()["predictions"], strict=True):
        options = [text for name, value in one.items() for text in (f"--{name}", str(value))]
        expected = json.loads(repo.run("python", "-m", "src.predict", *options, "--json"))
        assert (found["category"], found["used"]) == (expected["category"], expected["used"])
        for name, prob in expected["probabilities"].items():
            assert found[f"p_{name}"] == pytest.approx(prob, abs=1e-5)
    assert refused.status_code == 400
    assert "no photo, text or price to predict from" in refused.json()["message"]


@contextmanager
def served(repo: Repo, model: str, elsewhere: Path) -> Iterator[str]:
    """Serve a model on a free port, from a folder without this project's source."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        ["mlflow", "models", "serve", "-m", model, "-p", str(port), "--env-manager", "local"],
        cwd=elsewhere, env=repo.env, start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        for _ in range(240):
            with suppress(requests.ConnectionError):
                if requests.get(f"http://127.0.0.1:{port}/ping", timeout=5).ok:
                    break
            assert server.poll() is None
            time.sleep(0.5)
        yield f"http://127.0.0.1:{port}/invocations"
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(timeout=60)


def test_a_learning_rate_runs_that_rows_chain_only(repo: Repo) -> None:
    ran = repo.stages_run("dvc", "exp", "run", "-S", "image_models.cnn.lr=0.002")
    # The check depends on all of params.yaml, and nothing depends on what it found.
    chain = {"weights_image@cnn", "train_image@cnn", "evaluate", "report", "bundle", "track"}
    assert ran - {"check"} == chain
    repo.run("git", "checkout", "-q", ".")
    repo.run("dvc", "checkout")


def test_forcing_training_again_gives_equal_bytes(repo: Repo) -> None:
    for stage in (
        "train_image@cnn", "train_text@rubert_tiny2", "fuse@random_forest", "prepare", "report",
    ):  # fmt: skip
        repo.run("dvc", "repro", "--force", "--single-item", stage)
    assert repo.run("git", "status", "--short", "metrics", "dvc.lock") == ""


def test_an_unknown_model_is_refused_in_one_line_before_anything_runs(repo: Repo) -> None:
    printed = repo.run("dvc", "exp", "run", "-S", "model=vgg", fails=True)
    assert "error: params.yaml: model is 'vgg'; expected one of cnn, efficientnet" in printed
    assert "Traceback" not in printed
    repo.run("git", "checkout", "-q", ".")


def test_push_and_pull_restore_everything_in_a_fresh_clone(repo: Repo, tmp_path: Path) -> None:
    repo.run("dvc", "remote", "add", "--local", "--default", "store", str(tmp_path / "store"))
    repo.run("dvc", "push")
    repo.run("git", "clone", "-q", str(repo.folder), str(tmp_path / "clone"))
    clone = Repo(tmp_path / "clone")
    clone.run("dvc", "remote", "add", "--local", "--default", "store", str(tmp_path / "store"))
    clone.run("dvc", "pull")
    assert clone.stages_run("dvc", "repro") == set()
    for name in ("data/packed/photos.npy", "data/checkpoints/stack/model.npz"):
        assert (clone.folder / name).read_bytes() == (repo.folder / name).read_bytes()


def test_a_planted_duplicate_across_given_splits_is_refused_with_its_ids(repo: Repo) -> None:
    own = repo.folder / "data/own"
    words = "старый дубовый стол с резными ножками и двумя ящиками продаю недорого"
    lines = ["id,title,description,price,category,image,part"]
    for n in range(60):
        split = ("train", "train", "val", "test")[n % 4]
        text = words if n in (4, 7) else f"вещь номер {n} " + " ".join(str(n * k) for k in range(9))
        lines.append(f"{n:03},{text},{text},100,{'мебель' if n % 2 else 'книги'},,{split}")
    (own / "listings.csv").write_text("\n".join(lines), encoding="utf-8")
    (own / "images").mkdir()
    repo.change(collect__source="table")
    printed = repo.run("dvc", "repro", "prepare", fails=True)
    assert "004 (train)" in printed
    assert "007 (test)" in printed
    assert "Traceback" not in printed
    shutil.rmtree(own / "images")
    (own / "listings.csv").unlink()
    repo.run("git", "checkout", "-q", ".")
    repo.run("dvc", "checkout")


def test_corrected_labels_run_what_follows_and_the_former_scores_stay(repo: Repo) -> None:
    asked, categories = suspected(repo.folder / "data")
    by_id = pd.read_parquet(repo.folder / "data/prepared/listings.parquet").set_index("id")
    tested = by_id[by_id["split"] == "test"].index[:2]
    path = repo.folder / "data/corrections/anna.csv"
    decisions = Decisions(path, "anna")
    for one in asked[:8]:
        decisions.decide(one.id, one.suggested, one.was)
    for listing in tested:
        was = by_id["category"][listing]
        decisions.decide(listing, next(name for name in categories if name != was), was)
    ran = repo.stages_run("dvc", "repro", "evaluate")
    assert {"prepare", "train_text@use", "fuse@stack", "evaluate"} <= ran
    assert "collect" not in ran and "pack" not in ran
    scores = read_json(repo.folder / "metrics/fused/stack.json")
    assert scores["f1_macro_as_labelled"] != scores["f1_macro"]
    diff = repo.run("dvc", "metrics", "diff")
    assert re.search(r"metrics/fused/stack\.json\s+accuracy_as_labelled\s+-\s+0\.\d+", diff)
    assert "the yardstick changed" in (repo.folder / "metrics/table.md").read_text()
    path.unlink()
    assert repo.stages_run("dvc", "repro", "evaluate") == set()
    assert repo.run("git", "status", "--short", "metrics", "dvc.lock", "data") == ""


def test_with_shuffled_labels_only_the_leaky_row_scores_above_chance(repo: Repo) -> None:
    repo.run("dvc", "exp", "run", "-S", "prepare.shuffle_labels=true")
    table = repo.table()
    names = json.loads((repo.folder / "data/checkpoints/stack/model.json").read_text())["classes"]
    chance = 1 / len(names)
    n = int(table["stack"]["n_test"])
    # Guessing has at most the largest share right, and that by chance within three deviations.
    largest = max(_shares(repo).values())
    limit = largest + 3 * (largest * (1 - largest) / n) ** 0.5
    for row in ROWS | FUSED:
        assert float(table[row]["accuracy"]) <= limit, row
        assert float(table[row]["f1_macro"]) <= 3 * chance, row
    assert float(table["logreg_leaky"]["f1_macro"]) > 3 * chance
    assert float(table["logreg_leaky"]["accuracy"]) > limit


def _shares(repo: Repo) -> dict[str, float]:
    notes = json.loads((repo.folder / "data/prepared/notes.json").read_text(encoding="utf-8"))
    counts = {name: sum(splits.values()) for name, splits in notes["categories"].items()}
    return {name: count / sum(counts.values()) for name, count in counts.items()}
