"""The registered model's versions, with a real SQLite store: the champion, kills, force."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from mlflow import MlflowClient
from mlflow.entities import LoggedModel

from src.core.errors import UserError
from src.tracking.__main__ import main
from src.tracking.answers import ANSWERS, TrackedBundle
from src.tracking.registry import ALIAS, champion_of, force, register, versions_of
from tests.tracking.conftest import mlflow_client, write
from tests.tracking.test_champion import answers_of

ROOT = Path(__file__).resolve().parents[2]
NAME = "listings"
# Methods of the client that change something, and whether the champion has moved before them.
STEPS = [
    ("create_model_version", False),
    ("set_registered_model_alias", False),
    ("set_model_version_tag", True),
]


@pytest.fixture
def client(tmp_path: Path, empty_store: Path) -> MlflowClient:
    shutil.copyfile(empty_store, tmp_path / "mlruns.db")
    client = mlflow_client(tmp_path)
    client.create_experiment(NAME, artifact_location=(tmp_path / "mlartifacts").as_uri())
    return client


def logged(
    client: MlflowClient, home: Path, answers: pd.DataFrame
) -> tuple[LoggedModel, TrackedBundle]:
    """A logged model that holds nothing but the answers, as `log_bundle` writes them."""
    bundle = TrackedBundle(home / "bundle", NAME, answers)
    experiment = client.get_experiment_by_name(NAME)
    assert experiment is not None
    run = client.create_run(experiment.experiment_id)
    model = client.create_logged_model(
        experiment.experiment_id, NAME, source_run_id=run.info.run_id
    )
    write(home / "made" / ANSWERS, bundle.answers_csv())
    client.log_model_artifacts(model.model_id, str(home / "made"))
    return model, bundle


def registered(client: MlflowClient, home: Path, answers: pd.DataFrame) -> str:
    return register(client, *logged(client, home, answers))


def test_the_champion_moves_to_the_better_one_alone(client: MlflowClient, tmp_path: Path) -> None:
    assert champion_of(client, NAME) is None and versions_of(client, NAME) == []
    first = registered(client, tmp_path, answers_of(40))
    assert first == "version 1 of listings is the champion: the first one"
    better = registered(client, tmp_path, answers_of(4, 60))
    assert better.startswith("version 2 of listings is the champion: better than version 1 on ")
    for worse in (answers_of(40), answers_of(4, 60), answers_of(0, n=160)):
        said = registered(client, tmp_path, worse)
        assert " is not the champion (version 2 is): " in said
        assert said.endswith("`python -m src.tracking --force " + said.split()[1] + "`")
    assert champion_of(client, NAME) == "2"
    told = [(v.tags["better"], v.description[:24]) for v in versions_of(client, NAME)[::-1]]
    assert told == [
        ("true", "the first one"),
        ("true", "better than version 1 on"),
        ("false", "not significantly better"),
        ("false", "not significantly better"),
        ("false", "it was not compared with"),
    ]


def test_a_model_has_one_version_however_often_it_is_registered(
    client: MlflowClient, tmp_path: Path
) -> None:
    first, second = (logged(client, tmp_path, answers_of(wrong)) for wrong in (40, 2))
    said = [register(client, *first), register(client, *second)]
    force(client, NAME, "1", "the second is slow")
    # What was put back by hand stays, though the second one is better by the test.
    for _ in range(2):
        assert register(client, *second).startswith("version 2 of listings is not the champion")
        assert "forced in place of 2: the second is slow" in register(client, *first)
    assert len(versions_of(client, NAME)) == 2 and champion_of(client, NAME) == "1"
    assert said[1].startswith("version 2 of listings is the champion")


def test_a_champion_without_answers_stays(client: MlflowClient, tmp_path: Path) -> None:
    registered(client, tmp_path, answers_of(40))
    (file,) = (tmp_path / "mlartifacts").rglob(ANSWERS)
    for broken in ("id,content\n1,2\n", None):
        file.write_text(broken) if broken else file.unlink()
        said = registered(client, tmp_path, answers_of(0))
        assert "not compared with version 1, whose answers.csv is missing or broken" in said
    assert champion_of(client, NAME) == "1"


def test_a_version_that_is_not_there_cannot_be_forced(client: MlflowClient, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="listings has no version 1; it has none"):
        force(client, NAME, "1", "")
    registered(client, tmp_path, answers_of(4))
    with pytest.raises(UserError, match="listings has no version 7; it has 1"):
        force(client, NAME, "7", "")


def test_the_command_shows_the_versions_and_forces_one(
    client: MlflowClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    for name in ("dvc.yaml", "params.yaml"):
        shutil.copy(ROOT / name, tmp_path)

    def shown(*options: str) -> list[str]:
        monkeypatch.setattr(sys, "argv", ["tracking", *options])
        main()
        return capsys.readouterr().out.splitlines()

    with pytest.raises(UserError, match="listings has no version yet; `dvc repro` registers one"):
        shown()
    for wrong in (4, 40):
        registered(client, tmp_path, answers_of(wrong))
    before = shown()
    assert before[0].startswith("          2  not significantly better than version 1 on the same")
    assert before[1:] == ["champion  1  the first one"]
    forced = shown("--force", "2", "--because", "the first is slow")
    assert forced[0].startswith(
        "champion  2  forced in place of 1: the first is slow; before that: not significantly"
    )
    assert forced[1:] == ["          1  the first one"]
    with pytest.raises(SystemExit):
        shown("--force", "1")
    assert "--force needs --because" in capsys.readouterr().err
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://me:secret@127.0.0.1:9")
    with pytest.raises(UserError, match=r"MLflow at http://127\.0\.0\.1:9 cannot be used \("):
        shown()


@pytest.mark.parametrize(("step", "moved"), STEPS)
def test_a_kill_leaves_the_old_champion_or_the_whole_new_one(
    step: str, moved: bool, client: MlflowClient, tmp_path: Path
) -> None:
    registered(client, tmp_path, answers_of(40))
    model, bundle = logged(client, tmp_path, answers_of(2))
    code = f"""
import os, signal
from mlflow import MlflowClient
from src.tracking.registry import register
from tests.tracking.conftest import mlflow_client
from tests.tracking.test_champion import answers_of
from src.tracking.answers import TrackedBundle
from pathlib import Path
home = Path({str(tmp_path)!r})
setattr(MlflowClient, {step!r}, lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL))
client = mlflow_client(home)
bundle = TrackedBundle(home / "bundle", {NAME!r}, answers_of(2))
register(client, client.get_logged_model({model.model_id!r}), bundle)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert champion_of(client, NAME) == ("2" if moved else "1")
    assert "is the champion: better than version 1" in register(client, model, bundle)
    versions = versions_of(client, NAME)
    assert len(versions) == 2 and champion_of(client, NAME) == str(versions[0].version)
    assert client.get_model_version_by_alias(NAME, ALIAS).description.startswith("better than")
