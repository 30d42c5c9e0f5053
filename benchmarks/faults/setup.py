"""What the drill needs: the undisturbed project, a second copy of it, and the servers."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks.faults import ray_job, store
from benchmarks.faults.kinds import Drill, objects_in
from benchmarks.faults.project import Project
from benchmarks.servers import BUCKET, MlflowServer, NoPostgres, Postgres, s3_bucket


@contextmanager
def prepared(folder: Path, listings: int, at_once: int) -> Iterator[list[Drill]]:
    """Run the pipeline undisturbed, and start the servers; yield drills, the first with these.

    Several, because most of a fault's time is one process that imports its libraries.
    """
    with ExitStack() as stack:
        disks = [_disk(stack, folder / f"disk-{number}") for number in range(at_once)]
        project = Project(folder / "disk-0/project", folder, listings)
        tracked = _tracked(project)
        ray_job.predict_undisturbed(project)
        bucket = stack.enter_context(s3_bucket())
        project.must("dvc", "remote", "add", "-d", "store", f"s3://{BUCKET}/dvc")
        project.must("git", "add", "-A")
        named = ("-c", "user.name=drill", "-c", "user.email=drill@example.org")
        project.must("git", *named, "commit", "-qm", "done")
        project.save()
        project.must("dvc", "push", **bucket.env)
        postgres = mlflow = None
        try:
            postgres = Postgres()
            stack.callback(postgres.remove)
            mlflow = MlflowServer(postgres.uri, bucket, folder / "mlflow.log")
            mlflow.start()
            stack.callback(mlflow.kill)
        except NoPostgres as reason:
            print(f"not tried: {reason}")
        pushed = objects_in(bucket)
        drills = [Drill(project, bucket, disks[0], postgres, mlflow, pushed, tracked)]
        for number in range(1, at_once):
            other = project.copied(folder / f"disk-{number}/project", folder / f"log-{number}")
            # Another server of the same bucket, which refuses requests by itself.
            bucket = stack.enter_context(s3_bucket())
            drills.append(Drill(other, bucket, disks[number], None, None, pushed, tracked))
        yield drills


def _disk(stack: ExitStack, place: Path) -> Path | None:
    """Mount a file system in memory; None where that is not allowed."""
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=2g", "faults", str(place)]
    if subprocess.run(command, capture_output=True).returncode:
        return None
    stack.callback(subprocess.run, ["umount", "-l", str(place)], check=True)
    return place


def _tracked(project: Project) -> store.Content:
    """Return what the stage `track` alone logs: a training that is shown logs more."""
    uri = f"sqlite:///{project.folder}/mlruns.db"
    store.empty(uri)
    project.must("dvc", "repro", "--force", "--single-item", "track")
    return store.content(uri)
