"""The bundle's model in MLflow: under its fused row's run, once per state, and in the registry."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import mlflow.pyfunc
import pandas as pd
import pytest
from mlflow import MlflowClient

from src.core.files import read_json, write_json
from src.tracking.answers import TrackedBundle
from src.tracking.rows import TrackedRow
from src.tracking.tracking import track
from tests.predict.conftest import Pipeline
from tests.tracking.test_champion import answers_of


def row(kind: str, name: str) -> TrackedRow:
    return TrackedRow(
        kind, name, f"stage@{name}", name * 9, {"seed": 7}, {"f1": 0.5}, None, None, []
    )


ROWS = [row("image", "cnn"), row("fused", "nn"), row("fused", "stack")]


def test_one_model_under_the_run_of_the_fused_row(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    copy = shutil.copytree(bundle, tmp_path / "bundle")
    home = tmp_path / "home"
    home.mkdir()

    def logged() -> tuple[str, str]:
        """Track; return the one model's id and the place to serve it from."""
        line = track(ROWS, "listings", home, TrackedBundle(copy, "listings", answers_of(9)))
        client = MlflowClient(tracking_uri=f"sqlite:///{home}/mlruns.db")
        experiment = client.get_experiment_by_name("listings")
        assert experiment is not None
        runs = client.search_runs([experiment.experiment_id])
        assert len(runs) == 3
        (run,) = (run for run in runs if run.data.tags["row"] == "fused/stack")
        # The newest; older ones stay, since they are versions of the registered model.
        model = client.search_logged_models([experiment.experiment_id])[0]
        assert (model.source_run_id, model.status) == (run.info.run_id, "READY")
        found = re.search(r"mlflow models serve -m (\S+) --env-manager local", line)
        assert found and line.count("\n") == 0
        return model.model_id, found[1]

    model_id, place = logged()
    assert model_id in place
    served = Path(place) / "artifacts/bundle/bundle.json"
    assert read_json(served) == read_json(bundle / "bundle.json")
    assert logged() == (model_id, place)
    write_json(copy / "bundle.json", read_json(copy / "bundle.json") | {"temperature": 2.0})
    other_id, other = logged()
    assert other_id != model_id
    assert read_json(Path(other) / "artifacts/bundle/bundle.json")["temperature"] == 2.0
    # A model whose files are gone is no model.
    shutil.rmtree(other)
    again_id, again = logged()
    assert again_id != other_id and (Path(again) / "MLmodel").exists()
    client = MlflowClient(tracking_uri=f"sqlite:///{home}/mlruns.db")
    versions = client.search_model_versions("name = 'listings'")
    assert {version.tags["model_id"] for version in versions} == {model_id, other_id, again_id}
    # They all answer alike, so the first one stays in service, with its files.
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{home}/mlruns.db")
    served_model = mlflow.pyfunc.load_model("models:/listings@champion")
    assert served_model.metadata.model_id == model_id
    assert served_model.predict(pd.DataFrame([{"title": "КНИГИ"}]))["used"].tolist() == ["text"]


def test_the_model_of_a_bundle_without_a_fused_row_is_under_its_one_row(
    pipeline: Pipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    bundle = pipeline.bundle(tmp_path / "bundle", image_row="", fused_row="")
    home = tmp_path / "a home"
    tracked = TrackedBundle(bundle, "listings", answers_of(9))
    line = track([row("text", "tfidf")], "listings", home, tracked)
    assert "; version 1 of listings is the champion: the first one" in line
    command = next(part for part in line.split("`") if part.startswith("mlflow models serve"))
    # A shell takes it as it is printed.
    place = Path(shlex.split(command)[4])
    assert place.is_relative_to(home)
    served = mlflow.pyfunc.load_model(str(place))
    found = served.predict(pd.DataFrame([{"title": "КНИГИ"}]))
    assert found["used"].tolist() == ["text"]
