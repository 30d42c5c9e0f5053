"""A project that was moved or copied, and an experiment that was deleted."""

from __future__ import annotations

import shlex
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from mlflow import MlflowClient

from src.predict.mlflow_store import tracking_uri
from src.tracking.rows import read_tracked_rows
from src.tracking.tracking import track
from tests.tracking.conftest import is_one_warning, mlflow_client, mlflow_runs, write


def command_of(line: str, start: str) -> list[str]:
    """Return the words of a command that a line shows in backquotes."""
    return shlex.split(next(part for part in line.split("`") if part.startswith(start)))


@pytest.mark.parametrize(
    ("copied", "name"),
    [(False, "moved"), (True, "a copy of mine"), (False, "100%25 #1?"), (True, "it's (a) папка")],
)
def test_artifacts_follow_the_project(
    copied: bool, name: str, repo: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    track(read_tracked_rows(repo)[:1], "listings", repo)
    client = mlflow_client(repo)
    client.create_registered_model("listings")
    model = f"{(repo / 'mlartifacts').as_uri()}/models/m-1/artifacts"
    client.create_model_version("listings", model)
    place = tmp_path_factory.mktemp("elsewhere") / name
    (shutil.copytree if copied else shutil.move)(repo, place)
    before = sorted(repo.rglob("*"))

    (row,) = read_tracked_rows(place)[:1]
    line = track([row, replace(row, lock_hash="f" * 64)], "listings", place)
    assert "2 runs (1 new)" in line and "\n" not in line
    assert f"no longer from {(repo / 'mlartifacts').as_uri()}" in line
    uri = tracking_uri(place)
    assert command_of(line, "mlflow ui")[-1] == uri
    # Nothing was written into the old place, which a move has emptied.
    assert sorted(repo.rglob("*")) == before and repo.exists() == copied
    client = MlflowClient(tracking_uri=uri)
    experiment = client.get_experiment_by_name("listings")
    assert experiment is not None
    for run in client.search_runs([experiment.experiment_id]):
        files = {file.path for file in client.list_artifacts(run.info.run_id)}
        assert files == {"confusion.png", "model"}
        assert run.info.artifact_uri.startswith((place / "mlartifacts").as_uri() + "/")
    (version,) = client.search_model_versions("name = 'listings'")
    served = client.get_model_version_download_uri("listings", version.version)
    assert version.source == served == f"{(place / 'mlartifacts').as_uri()}/models/m-1/artifacts"
    assert "the project was moved" not in track([row], "listings", place)


def test_a_store_outside_the_project_keeps_its_addresses(
    repo: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared, other = tmp_path_factory.mktemp("shared"), tmp_path_factory.mktemp("other")
    shutil.copyfile(repo / "mlruns.db", shared / "runs.db")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{shared}/runs.db")
    rows = read_tracked_rows(repo)[:1]
    for home in (repo, other):
        line = track(rows, "listings", home)
    assert "the project was moved" not in line
    experiment = MlflowClient(tracking_uri=f"sqlite:///{shared}/runs.db").get_experiment_by_name(
        "listings"
    )
    assert experiment is not None
    assert experiment.artifact_location == (repo / "mlartifacts").as_uri()


def test_experiments_with_a_place_of_their_own_keep_it(repo: Path, tmp_path: Path) -> None:
    (tmp_path / "mlartifacts").mkdir()
    for name in ("own", "mlartifacts"):
        elsewhere = (tmp_path / name).as_uri()
        mlflow_client(repo).create_experiment(name, artifact_location=elsewhere)
        track([], "listings", repo)
        found = mlflow_client(repo).get_experiment_by_name(name)
        assert found is not None and found.artifact_location == elsewhere


def test_a_deleted_experiment_is_to_be_restored_or_renamed(repo: Path) -> None:
    rows = read_tracked_rows(repo)[:1]
    track(rows, "listings", repo)
    client = mlflow_client(repo)
    experiment_id = mlflow_runs(repo)[0].info.experiment_id
    client.delete_experiment(experiment_id)
    line = track(rows, "listings", repo)
    assert is_one_warning(line)
    assert "the experiment 'listings' was deleted; restore it with" in line
    assert "or give tracking.experiment in params.yaml another name" in line
    assert command_of(line, "MLFLOW_TRACKING_URI") == [
        f"MLFLOW_TRACKING_URI=sqlite:///{repo}/mlruns.db",
        *("mlflow", "experiments", "restore", "--experiment-id", experiment_id),
    ]
    assert "(1 new)" in track(rows, "others", repo)
    client.restore_experiment(experiment_id)
    assert "(0 new)" in track(rows, "listings", repo)


def test_names_of_categories_need_not_be_in_the_font(
    repo: Path, recwarn: pytest.WarningsRecorder
) -> None:
    write(repo / "metrics/confusion/cnn.csv", "actual,predicted\n😀,超大\n超大,$\n")
    (row,) = [row for row in read_tracked_rows(repo) if row.name == "cnn"]
    assert "(1 new)" in track([row], "listings", repo)
    assert not [one for one in recwarn if "Glyph" in str(one.message)]
