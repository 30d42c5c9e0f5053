"""The faults. Each runs a command, disturbs it, and returns what the user saw."""

from __future__ import annotations

import os
import random
import re
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from benchmarks.faults.project import Project, kill_tree, stage_process, wait_for
from benchmarks.servers import BUCKET, Bucket, MlflowServer, Postgres

# A stage takes this much longer than it says: it does not count the start of Python.
_START_S = 2.0


class Skipped(Exception):
    """Says why a fault cannot be tried here."""


class Missed(Exception):
    """The command was done before the fault."""


@dataclass
class Drill:
    """A project, the servers that its runs may use, and the moments of the faults.

    Attributes:
        disk: the file system in memory on which the project lies; None without root's rights.
        postgres, mlflow: None where there is no PostgreSQL.
        pushed: what an undisturbed `dvc push` leaves in the bucket, as `objects_in`.
        tracked: what an undisturbed stage `track` leaves in an empty store.
    """

    project: Project
    bucket: Bucket
    disk: Path | None
    postgres: Postgres | None
    mlflow: MlflowServer | None
    pushed: dict[str, str]
    tracked: dict[str, Any]
    moments: random.Random = field(default_factory=random.Random)

    def command(self, target: str) -> list[str]:
        """Return the command for a stage, or for `push` and `pull`."""
        if target in ("push", "pull"):
            return ["dvc", target, *(["--force"] if target == "pull" else [])]
        return ["dvc", "repro", "--force", "--single-item", target]

    def env(self, target: str, on_server: bool) -> dict[str, str]:
        if target in ("push", "pull"):
            return self.bucket.env
        if not on_server:
            return {}
        if self.mlflow is None:
            raise Skipped("there is no PostgreSQL")
        return {"MLFLOW_TRACKING_URI": self.mlflow.uri}

    def hurry(self, target: str) -> None:
        """Let later faults of a command come sooner."""
        self.project.seconds[target] = 0.7 * self.longest(target) - _START_S

    def longest(self, target: str) -> float:
        return self.project.seconds.get(target, 1.0) + _START_S

    def started(self, target: str, env: dict[str, str]) -> tuple[subprocess.Popen[bytes], Any]:
        """Start a command and wait for its stage, then for a random moment of it.

        Raises:
            Missed: it is done.
        """
        driver, worker = self.project.start(*self.command(target), **env), None
        if target in ("push", "pull"):
            time.sleep(self.moments.uniform(0.5, self.longest(target)))
        else:
            worker = wait_for(lambda: stage_process(driver), driver)
            time.sleep(self.moments.uniform(0, self.longest(target)))
        if driver.poll() is not None:
            raise Missed
        return driver, worker


Fault = Callable[[Drill, str, dict[str, str]], str]


def kill_driver(drill: Drill, target: str, env: dict[str, str]) -> str:
    """DVC dies; the stage that it has started may go on."""
    driver, _ = drill.started(target, env)
    driver.kill()
    return drill.project.end(driver)


def kill_worker(drill: Drill, target: str, env: dict[str, str]) -> str:
    """The stage dies; DVC sees it."""
    driver, worker = drill.started(target, env)
    try:
        worker.kill()
    except psutil.NoSuchProcess:
        drill.project.end(driver)
        raise Missed from None
    return drill.project.end(driver)


def kill_all(drill: Drill, target: str, env: dict[str, str]) -> str:
    """All of it dies, as when the machine goes down."""
    driver, _ = drill.started(target, env)
    kill_tree(driver)
    return drill.project.said()


def kill_server(drill: Drill, target: str, env: dict[str, str]) -> str:
    """MLflow's server dies and is started again when the command is done."""
    driver, _ = drill.started(target, env)
    drill.mlflow.kill()  # type: ignore[union-attr]
    try:
        return drill.project.end(driver)
    finally:
        drill.mlflow.start()  # type: ignore[union-attr]


def kill_database(drill: Drill, target: str, env: dict[str, str]) -> str:
    """The database behind MLflow's server dies, and is started again when the command is done."""
    driver, _ = drill.started(target, env)
    drill.postgres.kill()  # type: ignore[union-attr]
    try:
        return drill.project.end(driver)
    finally:
        drill.postgres.start()  # type: ignore[union-attr]


def fill_disk(drill: Drill, target: str, env: dict[str, str]) -> str:
    """The disk has less room than the stage needs."""
    if drill.disk is None:
        raise Skipped("only root may mount a file system in memory")
    made = 0
    # DVC would delete them first, too.
    for name in _outputs_of(drill.project.folder, target):
        file = drill.project.folder / name
        made += file.stat().st_size
        file.unlink()
    room = int(made * drill.moments.uniform(0, 0.9))
    _resize(drill.disk, shutil.disk_usage(drill.disk).used + room)
    try:
        status, said = drill.project.run(*drill.command(target), **env)
    finally:
        _resize(drill.disk, 2**31)
    if not status and "warning: " not in said:
        raise Missed
    return said


def refuse_requests(drill: Drill, target: str, env: dict[str, str]) -> str:
    """The bucket answers 503 to every third request on the average, at random."""
    share, failed = random.Random(drill.moments.random()), drill.bucket.failed
    _forget(drill, target)
    drill.bucket.fails = lambda number: share.random() < 1 / 3
    try:
        said = drill.project.run(*drill.command(target), **env)[1]
    finally:
        drill.bucket.fails = lambda number: False
    if drill.bucket.failed == failed:
        raise Missed
    return said


def kill_transfer(drill: Drill, target: str, env: dict[str, str]) -> str:
    """`dvc push` or `dvc pull` dies. As docs/machines.md tells, DVC's index is deleted afterwards.

    DVC 3.67 writes it piece by piece and takes what it finds for the whole.
    """
    _forget(drill, target)
    driver, _ = drill.started(target, env)
    kill_tree(driver)
    said = drill.project.said()
    known = re.search(r"Repo.site_cache_dir: (.+)", drill.project.run("dvc", "version")[1])
    shutil.rmtree(f"{known[1]}/index" if known else "", ignore_errors=True)
    return said


def objects_in(bucket: Bucket) -> dict[str, str]:
    """Return the MD5 of each object that DVC has pushed, by its key."""
    import boto3

    client = boto3.client(
        "s3", endpoint_url=bucket.address, region_name="us-east-1",
        aws_access_key_id=bucket.env["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=bucket.env["AWS_SECRET_ACCESS_KEY"],
    )  # fmt: skip
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix="dvc/")
    return {item["Key"]: item["ETag"] for page in pages for item in page.get("Contents", [])}


def _forget(drill: Drill, target: str) -> None:
    """Make a transfer have something to do: empty the bucket, or the cache."""
    if target == "push":
        import s3fs

        store = s3fs.S3FileSystem(
            key="key", secret=drill.bucket.env["AWS_SECRET_ACCESS_KEY"],
            client_kwargs={"endpoint_url": drill.bucket.address}, use_listings_cache=False,
        )  # fmt: skip
        if store.exists(f"{BUCKET}/dvc"):
            store.rm(f"{BUCKET}/dvc", recursive=True)
    elif target == "pull":
        shutil.rmtree(drill.project.folder / ".dvc/cache")
        shutil.rmtree(drill.project.folder / "data/raw")


def _outputs_of(folder: Path, stage: str) -> list[str]:
    from ruamel.yaml import YAML

    outs = YAML(typ="safe").load(folder / "dvc.lock")["stages"][stage].get("outs", [])
    return [
        str(file.relative_to(folder))
        for out in outs
        for place in [folder / out["path"]]
        for file in ([place] if place.is_file() else place.rglob("*"))
        if file.is_file()
    ]


def _resize(disk: Path, size: int) -> None:
    page = os.sysconf("SC_PAGE_SIZE")
    size = max(size, page) // page * page
    subprocess.run(["mount", "-o", f"remount,size={size}", str(disk)], check=True)
