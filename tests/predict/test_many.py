"""Many tables become as many files of a folder, and a job goes on where it was stopped."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
from filelock import FileLock

from src.core import cluster, places
from src.core.places import PlacedFile
from src.predict import job, many
from src.predict.bulk import TableCounts
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
        assert pq.read_table((out / name).with_suffix(".parquet")).equals(pq.read_table(alone))
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
    again = contents(out)
    assert again.keys() == whole.keys()
    # The result of the table that has changed says when.
    assert [name for name in whole if again[name] != whole[name]] == ["part-2.parquet"]
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


def test_a_table_is_predicted_again_that_was_replaced_by_an_older_one(
    run: Run, ads: Path, tmp_path: Path
) -> None:
    out, table = tmp_path / "out", ads / "part-1.parquet"
    run(table, "--out", out)
    shutil.copy(ads / "part-2.parquet", table)
    os.utime(table, (1, 1))
    assert "1 table predicted, 0 there already" in run(table, "--out", out)
    assert pd.read_parquet(out / "part-1.parquet")["id"].iloc[0] == "r40"


def test_results_of_others_are_not_replaced(run: Run, ads: Path, tmp_path: Path) -> None:
    out, twin, own = tmp_path / "out", tmp_path / "twin", tmp_path / "own"
    run(ads / "part-1.parquet", "--out", out)
    for folder in (twin, own):
        folder.mkdir()
        shutil.copy2(ads / "part-1.parquet", folder)
    shutil.copy(ads / "part-2.parquet", out)
    before = contents(out), contents(own)
    for table, place, message in (
        (twin / "part-1.parquet", out, f"{out}/part-1.parquet has the predictions for {ads}/part-"),
        (ads / "part-2.parquet", out, f"{out}/part-2.parquet is no result of this job and would"),
        (ads / "part-1.parquet", own, f"{own} has Parquet files but no _job.json, so they"),
    ):
        with pytest.raises(SystemExit, match=f"^error: {message}"):
            run(table, "--out", place)
    assert (contents(out), contents(own)) == before


def test_a_folder_that_another_command_writes_to_is_refused(
    run: Run, ads: Path, tmp_path: Path
) -> None:
    job = (ads / "part-1.parquet", "--out", tmp_path / "out")
    (tmp_path / "out").mkdir()
    with (
        FileLock(tmp_path / "out" / many._LOCK),
        pytest.raises(SystemExit, match=f"^error: another command is writing to {tmp_path}/out; "),
    ):
        run(*job)
    # What a killed one leaves.
    (tmp_path / "out" / many._LOCK).touch()
    assert "1 table predicted" in run(*job)
    assert not (tmp_path / "out" / many._LOCK).exists()


def test_options_may_be_corrected_until_there_is_a_result(
    run: Run, ads: Path, tmp_path: Path
) -> None:
    job = (ads / "part-1.parquet", "--out", tmp_path / "out")
    with pytest.raises(SystemExit, match=r"^error: 1 of 1 table could not be predicted"):
        run(*job, "--column", "price=cost")
    assert "1 table predicted" in run(*job)


def test_parts_of_another_job_are_left_alone(run: Run, ads: Path, tmp_path: Path) -> None:
    own, others = ".part-1.parquet.1-2.part", ".part-2.parquet.1-2.part"
    for name in (own, others):
        (tmp_path / name).write_bytes(b"half")
    run(ads / "part-1.parquet", "--out", tmp_path)
    assert not (tmp_path / own).exists() and (tmp_path / others).exists()


def test_results_on_the_machines_of_workers_are_told(
    run: Run, ads: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def elsewhere(_: object, tables: list[PlacedFile], *__: object) -> Iterator[job.Done]:
        yield from (job.Done(table.place, TableCounts(20, 0, 0), "read") for table in tables)

    monkeypatch.setattr(many, "predict_here", elsewhere)
    line = f"^error: 1 of 1 table could not be predicted: part-1.parquet is not in {tmp_path}/out,"
    with pytest.raises(SystemExit, match=line):
        run(ads / "part-1.parquet", "--out", tmp_path / "out")


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
    line = f"^error: 3 of 3 tables could not be predicted: {tmp_path}/out/part-.*: No space left"
    # Some libraries give a message and no number.
    for given in ((errno.ENOSPC, "No space left on device"), ("No space left on device",)):

        def full(*_: object, given: tuple[object, ...] = given, **__: object) -> None:
            raise OSError(*given)

        monkeypatch.setattr(job, "predict_table", full)
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
        progress.end("a", 10)
        progress.tell("a", 5, 10)  # comes after the end
        progress.tell("b", 8, 10)
        progress.tell("b", 1, 10)
        assert (progress.listings, progress.bytes) == (11, 310)
        progress.end("b", 0)  # without a result
        assert (progress.listings, progress.bytes) == (10, 400)
