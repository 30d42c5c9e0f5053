"""Predictions on Ray are those without it, whatever is killed on the way; files may be in S3."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from typing import Any

import fsspec
import pandas as pd
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from benchmarks.on_ray import busy_workers
from benchmarks.servers import BUCKET, s3_bucket
from src.cleaning.photo_bucket import PhotoBucket
from src.cleaning.photo_folder import PhotoFolder
from src.cleaning.picture import PhotoError
from src.core.cluster import Reports
from src.core.parallel import processors, usable_processors
from src.core.places import matching
from src.predict import many
from src.predict.bundle import read_bundle
from src.predict.job import BulkJob, predict_one
from src.predict.on_ray import _worker
from src.predict.predictor import Predictor
from src.predict.read_table import COLUMN_FIELDS
from tests.predict.conftest import Pipeline, Run

ROOT = Path(__file__).parents[2]
TABLES = 8


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture(scope="module", autouse=True)
def bucket() -> Iterator[str]:
    """The address of a bucket that a server on this machine has; before workers start."""
    with s3_bucket() as found, pytest.MonkeyPatch.context() as patch:
        for name, value in found.env.items():
            patch.setenv(name, value)
        yield f"s3://{BUCKET}"


def s3() -> Any:
    return fsspec.filesystem("s3", use_listings_cache=False)


@pytest.fixture
def long_ads(pipeline: Pipeline, tmp_path: Path) -> Path:
    """A folder of tables that take a second or two together."""
    raw = pipeline.raw.rename(columns={"text": "description"}).drop(columns="photo")
    folder = tmp_path / "long"
    folder.mkdir()
    for number in range(TABLES):
        raw.sample(600, replace=True, random_state=number).to_parquet(folder / f"{number}.parquet")
    return folder


def read_result(content: bytes) -> pd.DataFrame:
    return pd.read_parquet(BytesIO(content))


def kill_a_worker(ended: threading.Event) -> bool:
    """Wait until a worker of this process's Ray has work and kill it; return whether one had."""
    while not ended.wait(0.01):
        if busy := busy_workers(os.getpid()):
            os.kill(busy[0], signal.SIGKILL)
            return True
    return False


def test_answers_are_those_of_the_plain_way(
    run: Run, ads: Path, tmp_path: Path, two_workers: None
) -> None:
    plain = run(ads / "part-*", "--out", tmp_path / "plain", "--explain")
    there = run(ads / "part-*", "--out", tmp_path / "ray", "--explain", "--engine", "ray")
    assert there == plain.replace("plain", "ray", 1)
    assert contents(tmp_path / "ray") == contents(tmp_path / "plain")
    found = pd.read_parquet(tmp_path / "ray")
    assert (found["error"] != "").sum() == 1 and (found["note"] != "").sum() == 3
    assert {"photo+text+price", "text+price"} < set(found["used"])


def test_reports_are_taken_once(two_workers: None) -> None:
    reports = Reports()
    reports.tell("a", 1)
    reports.tell("a", 2)
    reports.tell("b", 3)
    assert reports.take() == {"a": 2, "b": 3}
    reports.tell("b", 4)
    assert reports.take() == {"b": 4}


def test_a_worker_uses_one_thread_whatever_the_environment_asks_for(
    bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "8")
    names = ("bundle.json", *read_bundle(bundle).files)
    files = {name: (bundle / name).read_bytes() for name in names}
    with threadpool_limits(2):
        _worker(files, BulkJob({}, (), "", False, "out"), None)  # type: ignore[arg-type]
        assert {pool["num_threads"] for pool in threadpool_info()} == {1}
    assert processors() == 1 <= usable_processors()


def test_the_plain_way_multiplies_in_one_thread_as_a_worker_does(
    bundle: Path, ads: Path, tmp_path: Path
) -> None:
    columns = dict.fromkeys(COLUMN_FIELDS, "") | {"text": "description"}
    job = BulkJob(columns, (), "", False, str(tmp_path))
    seen: set[int] = set()

    def tell(*_: int) -> None:
        seen.update(pool["num_threads"] for pool in threadpool_info())

    with threadpool_limits(2):
        table = matching(str(ads / "part-1.parquet"))[0]
        assert not predict_one(Predictor(bundle), job, table, tell).fault
        assert {pool["num_threads"] for pool in threadpool_info()} == {2}
    assert seen == {1}


def test_a_table_that_a_worker_cannot_read_costs_no_other(
    run: Run, ads: Path, tmp_path: Path, two_workers: None
) -> None:
    (ads / "part-1.parquet").write_bytes(b"PAR1")
    with pytest.raises(SystemExit, match=r"^error: 1 of 3 tables could not be predicted: .*part-1"):
        run(ads / "part-*", "--out", tmp_path / "out", "--engine", "ray")
    assert len(contents(tmp_path / "out")) == 3


def test_a_killed_driver_is_taken_over_and_a_killed_worker_replaced(
    run: Run, bundle: Path, long_ads: Path, tmp_path: Path, two_workers: None
) -> None:
    run(long_ads / "*", "--out", tmp_path / "plain")
    whole, out = contents(tmp_path / "plain"), tmp_path / "out"
    job = [str(long_ads / "*"), "--out", str(out), "--engine", "ray"]
    command = [sys.executable, "-m", "src.predict", "--bundle", str(bundle), *job, "--workers", "2"]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL) as driver:
        deadline = time.monotonic() + 120
        while not (out / "0.parquet").exists() and driver.poll() is None:
            if time.monotonic() > deadline:
                break
            time.sleep(0.01)
        driver.send_signal(signal.SIGKILL)
    finished = {name: content for name, content in contents(out).items() if name in whole}
    assert 0 < len(finished) < len(whole)
    assert finished == {name: whole[name] for name in finished}
    ended = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        killer = pool.submit(kill_a_worker, ended)
        try:
            said = run(*job)
        finally:
            ended.set()
    assert killer.result()
    assert f"{len(whole) - len(finished)} tables predicted, {len(finished) - 1} there" in said
    assert contents(out) == whole


def test_tables_photos_and_results_may_be_in_a_bucket(
    run: Run, ads: Path, bucket: str, tmp_path: Path, two_workers: None
) -> None:
    there = f"{bucket}/in"
    s3().put(str(ads), there, recursive=True)
    run(ads / "part-*", "--out", tmp_path / "plain")
    for number, engine in enumerate(("local", "ray")):
        out = f"{bucket}/out/{number}"
        job = (f"{there}/part-*", "--out", out, "--engine", engine)
        assert "3 tables predicted, 0 there already" in run(*job)
        assert "0 tables predicted, 3 there already" in run(*job)
        found = {Path(path).name: s3().cat(path) for path in s3().find(out)}
        plain = contents(tmp_path / "plain")
        assert found.keys() == plain.keys()
        for name in plain.keys() - {many._RECORD}:
            pd.testing.assert_frame_equal(read_result(found[name]), read_result(plain[name]))
    s3().rm(f"{bucket}/out/0/part-1.parquet")
    assert "1 table predicted, 2 there already" in run(*job[:2], f"{bucket}/out/0")
    # From here to there, and photos of one place for tables of another.
    mixed = f"{bucket}/mixed/"
    run(ads / "part-1.parquet", "--photos", there, "--out", mixed)
    assert s3().cat(f"{mixed}part-1.parquet") == plain["part-1.parquet"]
    with pytest.raises(SystemExit, match=f"^error: {mixed} has predictions by another --photos;"):
        run(ads / "part-1.parquet", "--out", mixed)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["{bucket}/none/*.csv", "--out", "o"], "{bucket}/none/*.csv: there is no such file"),
        (["{bucket}/none.csv", "--out", "o"], "{bucket}/none.csv: there is no such file"),
        (["{ads}", "--out", "s3://other/o"], "s3://other/o/_job.json: The specified bucket does"),
        (["{ads}", "--photos", "{bucket}/none", "--out", "o"], "1 of 1 table could not be "
         "predicted: {bucket}/none is not a folder of photos; give one with --photos"),
    ],
)  # fmt: skip
def test_what_a_bucket_lacks_is_told_in_one_line(
    arguments: list[str],
    message: str,
    run: Run,
    ads: Path,
    bucket: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    given = {"bucket": bucket, "ads": ads / "part-1.parquet"}
    with pytest.raises(SystemExit) as stopped:
        run(*(argument.format(**given) for argument in arguments))
    assert str(stopped.value).startswith(f"error: {message.format(**given)}")
    assert "\n" not in str(stopped.value)


def test_a_server_that_does_not_answer_is_told_in_one_line(
    run: Run, ads: Path, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    fsspec.filesystem("s3").clear_instance_cache()
    try:
        with pytest.raises(SystemExit, match=rf"^error: {bucket}/o: Could not connect .*; check"):
            run(ads / "part-1.parquet", "--out", f"{bucket}/o")
    finally:
        fsspec.filesystem("s3").clear_instance_cache()


def test_photos_of_a_bucket_are_found_as_in_a_folder(
    ads: Path, bucket: str, tmp_path: Path
) -> None:
    folder = tmp_path / "photos"
    for name in ("a.jpg", "deep/B.JPEG", ".hidden.jpg", "twice/c.jpg", "twins/c.jpg", "name"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(name.encode())
    s3().put(str(folder), f"{bucket}/photos", recursive=True)
    names = ["a.jpg", "A", "deep/b.jpg", "b.jpg", "hidden.jpg", ".hidden.jpg", "c.jpg", "name.png"]
    names += ["../in/21.jpg", "/a.jpg", "deep", "none.jpg", "x" * 2000, "\ud800.jpg", "a\x00.jpg"]
    names += [".", "https://example.org/a.jpg", "none.jpg, a.jpg", b"\xff\xd8\xffx"]
    found = []
    for place in (PhotoFolder(folder), PhotoBucket(f"{bucket}/photos")):
        with place:
            found.append([read(place, name) for name in names])
    assert found[0] == found[1]
    assert {b"a.jpg", b"deep/B.JPEG", "outside the folder", "cannot be read"} < {*found[0]}


def read(place: PhotoFolder, name: Any) -> bytes | str:
    try:
        return place.read(name)
    except PhotoError as error:
        return str(error)
