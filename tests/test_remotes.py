"""`dvc push` and `dvc pull` through an S3 bucket that refuses every third request for a moment."""

from __future__ import annotations

from pathlib import Path

from benchmarks.servers import BUCKET, S3_SECRET, s3_bucket
from tests.repo import Repo, copy_repository


def outputs(repo: Repo) -> dict[str, bytes]:
    files = (repo.folder / "data").rglob("*")
    return {
        str(file.relative_to(repo.folder)): file.read_bytes()
        for file in files
        if file.is_file() and file.relative_to(repo.folder).parts[1] in ("raw", "packed")
    }


def test_nothing_is_lost_on_the_way_to_a_bucket_and_back(tmp_path: Path) -> None:
    made = tmp_path / "made"
    made.mkdir()
    repo = copy_repository(made, collect__demo__listings=24, collect__demo__photo_size=48)
    repo.run("dvc", "repro", "pack")
    repo.run("dvc", "remote", "add", "-d", "store", f"s3://{BUCKET}/dvc")
    repo.run("git", "add", "-A")
    repo.run("git", "commit", "-qm", "made")
    with s3_bucket() as bucket:
        repo.env |= bucket.env
        bucket.fails = lambda number: number % 3 == 2
        said = repo.run("dvc", "push")
        pushed = bucket.failed
        assert pushed > 5
        clone = Repo(tmp_path / "clone")
        clone.env |= bucket.env
        repo.run("git", "clone", "-q", str(made), str(clone.folder))
        # Stages that were not run have nothing to pull.
        said += clone.run("dvc", "pull", "pack", "collect", "check")
        assert bucket.failed > pushed
    expected = outputs(repo)
    assert len(expected) > 20 and outputs(clone) == expected
    assert clone.stages_run("dvc", "repro", "pack") == set()
    assert S3_SECRET not in said and "Traceback" not in said
