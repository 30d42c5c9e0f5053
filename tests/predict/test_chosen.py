"""The bundle of a registered model: `--model models:/NAME@champion`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from mlflow import MlflowClient

from src.predict import chosen
from src.predict.mlflow_store import configure_mlflow
from src.predict.served import save_served_model
from tests.closure import ROOT


@pytest.fixture(scope="module")
def store(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an MLflow store whose registry has one version, the champion."""
    configure_mlflow()
    home = tmp_path_factory.mktemp("store")
    save_served_model(bundle, ROOT / "requirements.txt", home / "model")
    client = MlflowClient(tracking_uri=f"sqlite:///{home}/mlruns.db")
    client.create_registered_model("listings")
    client.create_model_version("listings", (home / "model").as_uri())
    client.set_registered_model_alias("listings", "champion", "1")
    return home


def predict(home: Path, *options: str, uri: str = "") -> subprocess.CompletedProcess[str]:
    settings = {"PYTHONPATH": str(ROOT), "MLFLOW_TRACKING_URI": uri}
    return subprocess.run(
        [sys.executable, "-m", "src.predict", *options], cwd=home, text=True, capture_output=True,
        env={**os.environ, **settings, "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0"},
    )  # fmt: skip


def test_the_champion_answers_as_its_bundle(bundle: Path, store: Path) -> None:
    listing = ("--title", "КНИГИ", "--price", "100")
    found = predict(store, *listing, "--model", "models:/listings@champion")
    assert found.returncode == 0, found.stderr
    assert found.stdout == predict(store, *listing, "--bundle", str(bundle)).stdout


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--model", "listings"], "expected an address such as models:/listings@champion"),
        (["--model", "models:/none@champion"], "does not give it (MlflowException: Registered"),
        (["--model", "models:/listings/7"], "does not give it (MlflowException: Model Version"),
    ],
)
def test_a_model_that_is_not_there_is_one_line(
    options: list[str], message: str, store: Path
) -> None:
    done = predict(store, "--title", "x", *options)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert done.stderr.startswith(f"error: --model {options[1]}: ") and message in done.stderr


def test_a_store_that_is_not_there_is_one_line_and_is_not_made(tmp_path: Path) -> None:
    done = predict(tmp_path, "--title", "x", "--model", "models:/listings@champion")
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert f"there is no MLflow store at sqlite:///{tmp_path}/mlruns.db; run this" in done.stderr
    assert not list(tmp_path.iterdir())


def test_a_server_that_is_down_is_one_line(tmp_path: Path) -> None:
    asked = ("--title", "x", "--model", "models:/listings@champion")
    done = predict(tmp_path, *asked, uri="http://me:secret@127.0.0.1:9")
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert "MLflow at http://127.0.0.1:9 does not give it (" in done.stderr
    assert "secret" not in done.stderr


def test_without_mlflow_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chosen, "find_spec", lambda _: None)
    with pytest.raises(chosen.UserError, match="needs MLflow: pip install"):
        chosen._download("models:/listings@champion", tmp_path)
