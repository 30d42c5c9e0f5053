"""Stage track as DVC runs it."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

import stages.track
from tests.tracking.conftest import ROWS, is_one_warning, mlflow_runs, write

ROOT = Path(__file__).resolve().parents[2]


def test_the_stage_in_a_copy_uses_the_store_of_the_repository(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    for name in ("metrics", "data", "dvc.lock"):
        (repo / name).rename(copy / name)
    kept = ("image/cnn", "leaky/logreg_leaky")
    for kind, row in ROWS:
        if f"{kind}/{row}" not in kept:
            (copy / f"metrics/{kind}/{row}.json").unlink()
    params = YAML(typ="safe").load(ROOT / "params.yaml")
    write(
        copy / "params.yaml",
        json.dumps(params | {"tracking": params["tracking"] | {"experiment": "others"}}),
    )
    write(
        copy / "dvc.yaml",
        "stages:\n  track:\n    cmd: python -m stages.track\n    params: [tracking]\n",
    )
    write(copy / ".dvc/config", "[core]\n    no_scm = True\n")
    run = subprocess.run(
        [sys.executable, "-m", "stages.track"],
        cwd=copy,
        env={**os.environ, "PYTHONPATH": str(ROOT), "DVC_ROOT": str(repo)},
        check=True,
        text=True,
        capture_output=True,
    )
    assert run.stdout.startswith(f"MLflow: 2 runs (2 new) in sqlite:///{repo}/mlruns.db; ")
    assert run.stdout.count("\n") == 1 and run.stderr == ""
    assert not (copy / "mlruns.db").exists()
    assert len(mlflow_runs(repo, "others")) == 2
    before = (copy / "data/tracking/rows.json").read_bytes()
    known = json.loads(before)
    assert set(known) == set(kept)
    assert known["leaky/logreg_leaky"]["stage"] == "leaky"
    assert len(known["image/cnn"]["lock_hash"]) == 64
    assert str(repo).encode() not in before
    # Without any store the stage still ends well and its output is the same.
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.chdir(copy)
    stages.track.main()
    assert is_one_warning(capsys.readouterr().out.strip())
    assert (copy / "data/tracking/rows.json").read_bytes() == before


def test_a_full_disk_is_said_once(
    repo: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(repo)
    for name in ("params.yaml", "dvc.yaml"):
        write(repo / name, (ROOT / name).read_text(encoding="utf-8"))

    def full(path: Path, content: object) -> None:
        raise OSError(errno.ENOSPC, "full", str(path))

    monkeypatch.setattr(stages.track, "write_json", full)
    with pytest.raises(OSError, match="full"):
        stages.track.main()
    # The store is on the same disk, and what it says of that says no more.
    assert capsys.readouterr().out == ""
