"""MLflow behind a server, with PostgreSQL and S3, as several machines share it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from mlflow import MlflowClient

from benchmarks.servers import (
    PASSWORD,
    S3_SECRET,
    Bucket,
    MlflowServer,
    NoPostgres,
    Postgres,
    s3_bucket,
)
from src.tracking.experiment import open_experiment
from src.tracking.rows import read_tracked_rows
from src.tracking.tracking import track
from tests.tracking.conftest import is_one_warning

ROOT = Path(__file__).resolve().parents[2]
# What a machine does; each has a home of its own.
TRACK = """
import sys
from pathlib import Path
from src.tracking.rows import read_tracked_rows
from src.tracking.tracking import track
home = Path(sys.argv[1])
print(track(read_tracked_rows(home)[1:5], "listings", home))
"""
COUNT = """
import sys
from pathlib import Path
from src.predict.mlflow_store import configure_mlflow
from src.tracking.experiment import open_experiment
configure_mlflow()
for _ in range(3):
    with open_experiment("counted", Path(sys.argv[1])) as (client, number, _):
        tags = client.get_experiment(number).tags
        client.set_experiment_tag(number, "count", str(int(tags.get("count", 0)) + 1))
"""


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    try:
        server = Postgres()
    except NoPostgres as reason:
        if os.environ.get("CI") == "true" and os.getuid() == 0:
            pytest.fail(f"{reason}, and CI must test with it")
        pytest.skip(str(reason))
    yield server
    server.remove()


@pytest.fixture(scope="module")
def bucket() -> Iterator[Bucket]:
    with s3_bucket() as bucket:
        yield bucket


@pytest.fixture(scope="module")
def running(
    postgres: Postgres, bucket: Bucket, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[MlflowServer]:
    server = MlflowServer(postgres.uri, bucket, tmp_path_factory.mktemp("server") / "log")
    server.start()
    yield server
    server.kill()


@pytest.fixture
def server(running: MlflowServer, monkeypatch: pytest.MonkeyPatch) -> MlflowServer:
    # The password of a proxy before the server, which has none itself.
    address = running.uri.replace("://", f"://me:{quote(PASSWORD, safe='')}@")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    return running


def machines(script: str, homes: list[Path]) -> list[str]:
    """Run a script on several machines at once, and return what each says."""
    started = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(home)],
            cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )
        for home in homes
    ]  # fmt: skip
    said = [process.communicate(timeout=100)[0] for process in started]
    assert [process.returncode for process in started] == [0] * len(homes), said
    return said


def test_two_machines_at_once_make_no_run_twice(
    server: MlflowServer, bucket: Bucket, repo: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    shutil.copytree(repo, other)
    said = machines(TRACK, [repo, other])
    counts = ["MLflow: 4 runs (0 new)", "MLflow: 4 runs (4 new)"]
    assert sorted(line.partition(" in ")[0] for line in said) == counts
    client = MlflowClient(server.uri)
    experiment = client.get_experiment_by_name("listings")
    runs = client.search_runs([experiment.experiment_id])
    names = {row.name for row in read_tracked_rows(repo)[1:5]}
    assert sorted(run.info.run_name for run in runs) == sorted(names)
    assert {run.info.status for run in runs} == {"FINISHED"}
    # The files are in the bucket, and come back as they were.
    assert experiment.artifact_location.startswith("mlflow-artifacts:")
    file = client.download_artifacts(runs[0].info.run_id, "model/model.safetensors", str(tmp_path))
    assert Path(file).read_text() == "model.safetensors"
    assert_no_secret("".join(said), server.server.log.read_text(), tags_in(client, "listings"))


def test_one_machine_at_a_time_looks_and_creates(server: MlflowServer, tmp_path: Path) -> None:
    machines(COUNT, [tmp_path / str(number) for number in range(3)])
    experiment = MlflowClient(server.uri).get_experiment_by_name("counted")
    assert experiment.tags["count"] == "9"


def test_a_machine_that_was_killed_holds_up_others_for_some_seconds(
    server: MlflowServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("src.tracking.turns._DEAD_S", 1.0)
    holder = subprocess.Popen(
        [sys.executable, "-c", COUNT.replace("tags =", "print('in', flush=True); input(); tags ="),
         str(tmp_path / "killed")],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert holder.stdout and holder.stdout.readline() == b"in\n"
    client = MlflowClient(server.uri)
    number = client.get_experiment_by_name("counted").experiment_id
    assert len(client.search_runs([number])) == 1
    holder.kill()
    holder.wait()
    with open_experiment("counted", tmp_path / "next"):
        pass
    assert client.search_runs([number]) == []


def test_a_machine_that_waits_too_long_says_so(
    server: MlflowServer, repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("src.tracking.experiment._LOCK_TIMEOUT_S", 1.0)
    with open_experiment("held", tmp_path / "another"):
        line = track(read_tracked_rows(repo), "held", repo)
    assert is_one_warning(line) and "another machine has been logging to it" in line


def test_a_database_without_a_server(
    postgres: Postgres, repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", postgres.uri)
    rows = read_tracked_rows(repo)[:1]
    line = track(rows, "direct", repo)
    assert line.startswith("MLflow: 1 run (1 new) in postgresql+psycopg2://127.0.0.1:")
    client = MlflowClient(postgres.uri)
    assert_no_secret(line, tags_in(client, "direct"))
    monkeypatch.setenv(
        "MLFLOW_TRACKING_URI", postgres.uri.replace("wört", "W").replace("w%C3", "W")
    )
    line = track(rows, "direct", repo)
    assert is_one_warning(line) and "password authentication failed" in line
    assert_no_secret(line)


def test_a_database_that_goes_away_costs_one_line(
    server: MlflowServer, postgres: Postgres, repo: Path
) -> None:
    rows = read_tracked_rows(repo)[:1]
    postgres.kill()
    line = track(rows, "listings", repo)
    assert is_one_warning(line)
    assert_no_secret(line)
    postgres.start()
    assert track(rows, "after", repo).startswith("MLflow: 1 run (1 new) in ")
    server.kill()
    line = track(rows, "listings", repo)
    assert is_one_warning(line) and server.uri in line
    assert_no_secret(line)


def tags_in(client: MlflowClient, name: str) -> str:
    experiment = client.get_experiment_by_name(name)
    runs = client.search_runs([experiment.experiment_id])
    return repr([experiment.tags, *(run.data.tags for run in runs)])


def assert_no_secret(*texts: str) -> None:
    for text in texts:
        for secret in (PASSWORD, S3_SECRET, "geheim", "pa@ss", "ss:w", "wört", "w%C3%B6rt"):
            assert secret not in text
