"""Many tables become as many files of a folder, and a job goes on where it was stopped."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

import pandas as pd
import pytest

from src.core import cluster, places
from src.core.places import PlacedFile
from src.predict import job, many
from src.predict.progress import BulkProgress
from tests.predict.conftest import Pipeline, Run


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_each_table_becomes_the_file_that_it_becomes_alone(
    run: Run, ads: Path, tmp_path: Path
) -> None:
    out = tmp_path / "new" / "out"
    said = run(ads / "*.csv", ads / "part-1.parquet", ads / "part-*.parquet", "--out", out)
    assert said == (
        f"{out}: 3 tables predicted, 0 there already; 61 listings, 1 without a prediction, "
        "3 with a note\n"
    )
    for name in ("part-0.csv", "part-1.parquet", "part-2.parquet"):
        alone = tmp_path / "alone.parquet"
        run(ads / name, "--photos", ads, "--out", alone)
        assert (out / name).with_suffix(".parquet").read_bytes() == alone.read_bytes()
    assert sorted(contents(out)) == [many._RECORD, *(f"part-{n}.parquet" for n in range(3))]
    assert len(pd.read_parquet(out)) == 61  # readers of folders pass over the record


def test_a_job_goes_on_where_it_stopped_and_does_nothing_twice(
    run: Run, ads: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    job = (ads / "part-*", "--out", out)
    run(*job)
    whole, written = contents(out), (out / "part-1.parquet").stat().st_mtime_ns
    (out / "part-0.parquet").unlink()
    # What a killed process leaves; and a table that has changed since.
    (out / ".part-0.parquet.1-2.part").write_bytes(b"half")
    os.utime(ads / "part-2.parquet")
    assert "2 tables predicted, 1 there already; 41 listings" in run(*job)
    assert contents(out) == whole
    assert (out / "part-1.parquet").stat().st_mtime_ns == written
    assert "0 tables predicted, 3 there already; 0 listings" in run(*job)


def test_results_of_another_bundle_or_of_other_options_are_not_mixed(
    run: Run, ads: Path, pipeline: Pipeline, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    run(ads / "part-1.parquet", "--out", out)
    before = contents(out)
    other = pipeline.bundle(tmp_path / "other", fused_row="", text_row="")
    for options, named in (
        (("--bundle", other), "bundle"),
        (("--column", "price="), "--column"),
        (("--photos", pipeline.photos), "--photos"),
        (("--explain", "--column", "price="), "--column and another --explain"),
    ):
        with pytest.raises(SystemExit, match=f"^error: {out} has predictions by another {named};"):
            run(ads / "part-*", "--out", out, *options)
    assert contents(out) == before


def test_a_table_that_cannot_be_read_costs_no_other(run: Run, ads: Path, tmp_path: Path) -> None:
    out, broken = tmp_path / "out", ads / "part-1.parquet"
    kept = broken.read_bytes()
    broken.write_bytes(kept[:100])
    with pytest.raises(SystemExit) as stopped:
        run(ads / "part-*", "--out", out)
    message = str(stopped.value)
    assert message.startswith(f"error: 1 of 3 tables could not be predicted: {broken} is a Parquet")
    assert "\n" not in message
    assert sorted(contents(out)) == [many._RECORD, "part-0.parquet", "part-2.parquet"]
    broken.write_bytes(kept)
    assert "1 table predicted, 2 there already; 20 listings" in run(ads / "part-*", "--out", out)


def test_a_full_disk_is_a_fault_of_one_line(
    run: Run, ads: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(job, "predict_table", full)
    line = f"^error: 3 of 3 tables could not be predicted: {tmp_path}/out/part-.*: No space left"
    with pytest.raises(SystemExit, match=line):
        run(ads / "part-*", "--out", tmp_path / "out")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["ads/none-*", "--out", "out"], "ads/none-*: there is no such file; give a CSV or"),
        (["ads/part-1.parquet", "twin/part-1.csv", "--out", "out"], "{here}/ads/part-1.parquet and "
         "{here}/twin/part-1.csv would both become {here}/out/part-1.parquet; predict them into"),
        (["ads/part-*", "--out", "ads"], "{here}/ads/part-1.parquet would be replaced by its"),
        (["ads/part-0.csv", "ads/part-1.parquet", "--out", "o.csv"], "o.csv is one file; several"),
        (["ads/part-1.parquet", "--engine", "ray", "--out", "o.csv"], "o.csv is one file; several"),
        (["s3://b/a.csv", "--out", "o.csv"], "o.csv is one file; several tables, those"),
        (["ads/part-0.csv", "--out", "twin/part-1.csv/"], "twin/part-1.csv is not a folder; give"),
        (["ads/part-0.csv", "--out", "/proc/new/"], "/proc/new: no file can be written in"),
        (["gs://b/a.csv", "--out", "out"], "gs://b/a.csv: expected a path of this machine, or s3:"),
        (["s3://b/a.csv", "--out", "out"], "s3://b/a.csv needs s3fs: pip install '.[cluster]'"),
        (["ads/part-0.csv", "--out", "out", "--engine", "ray"], "the engine ray needs Ray: pip "
         "install '.[cluster]'"),
    ],
)  # fmt: skip
def test_a_mistake_ends_in_one_line(
    arguments: list[str],
    message: str,
    run: Run,
    ads: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    # Without the extra packages.
    monkeypatch.setattr(cluster, "find_spec", lambda _: None)
    monkeypatch.setattr(places, "find_spec", lambda _: None)
    Path("twin").mkdir()
    shutil.copy("ads/part-0.csv", "twin/part-1.csv")
    before = contents(ads)
    with pytest.raises(SystemExit) as stopped:
        run(*arguments)
    assert str(stopped.value).startswith(f"error: {message.format(here=tmp_path)}")
    assert "\n" not in str(stopped.value)
    assert contents(ads) == before and not Path("out").exists()


def test_options_of_an_engine_are_not_ignored(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    for options, message in (
        (("t.csv", "--out", "out", "--workers", 2), "--workers is for --engine ray"),
        (("--title", "x", "--engine", "ray"), "--engine is for a table of listings"),
    ):
        with pytest.raises(SystemExit):
            run(*options)
        assert message in capsys.readouterr().err


def test_progress_counts_a_table_that_is_begun_again_once() -> None:
    with BulkProgress([PlacedFile("a", 300, 0), PlacedFile("b", 100, 0)]) as progress:
        progress.tell("a", 10, 10)
        progress.tell("b", 8, 10)
        progress.tell("b", 1, 10)
        assert sum(progress.listings.values()) == 11
        assert sum(progress.bytes.values()) == 310
        progress.tell("b", 0, 0)  # without a result
        assert sum(progress.bytes.values()) == 400
