"""The runner of the benchmarks: what is timed by turns, and what becomes of the figures."""

from __future__ import annotations

import json
import os
import shutil
import struct
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from benchmarks import __main__ as runner
from benchmarks import compare as compare_module
from benchmarks import machine, replay, results, review
from benchmarks.bounds import share
from benchmarks.compare import Compared, compare
from benchmarks.faithfulness import Falls, sentence
from benchmarks.faults import clock
from benchmarks.faults.__main__ import Line as FaultLine
from benchmarks.faults.__main__ import table_of
from benchmarks.faults.judge import message_of
from benchmarks.lines import Line, line, table
from benchmarks.market import first_listings
from benchmarks.whole import growing, run_for
from src.core.errors import UserError


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compare_module, "SETTLE_S", 0)


def marked(log: Path, name: str) -> Callable[[], tuple[int, str]]:
    """A way that writes down its turns and returns its process and name."""

    def call() -> tuple[int, str]:
        with log.open("a") as file:
            file.write(name)
        return os.getpid(), name

    return call


def broken(at: str) -> Callable[[], None]:
    def call() -> None:
        raise ValueError(at)

    if at == "set-up":
        raise ValueError(at)
    return call


def gone() -> Callable[[], None]:
    sys.exit(3)


def test_ways_alternate_each_in_its_own_process(tmp_path: Path) -> None:
    log = tmp_path / "log"
    ours = (marked, {"log": log, "name": "o"})
    compared = compare(ours, (marked, {"log": log, "name": "p"}), rounds=3)
    # A warm-up, then three rounds, each in the turned order of the one before.
    assert log.read_text() == "op" + "op" + "po" + "op"
    assert compared.ours[1] == "o" and compared.plain[1] == "p"
    assert len({compared.ours[0], compared.plain[0], os.getpid()}) == 3
    low, high = compared.spread
    assert 0 < low <= compared.ratio <= high
    assert compared.ours_s > 0 and compared.plain_s > 0
    assert 1 < compared.ours_mb < 10_000


def test_a_slow_machine_does_one_round(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compare_module, "MOST_S", 0)
    log = tmp_path / "log"
    ways = [(marked, {"log": log, "name": name}) for name in "op"]
    low, high = compare(*ways, rounds=5).spread
    assert log.read_text() == "op" + "op"
    assert low == high


def test_a_way_that_fails_says_why() -> None:
    for at in ("set-up", "call"):
        with pytest.raises(RuntimeError, match=f"ValueError: {at}"):
            compare((broken, {"at": at}), (broken, {"at": at}), rounds=1)
    with pytest.raises(RuntimeError, match="status 3"):
        compare((gone, {}), (gone, {}), rounds=1)


def test_a_line_is_compared_with_its_target() -> None:
    compared = Compared(4.0, (2.0, 5.0), ours_s=1.0, plain_s=4.0, ours_mb=10, plain_mb=20)
    assert line("x", compared, at_least=4).met
    assert not line("x", compared, at_least=4.1).met
    assert line("x", compared).met is None
    overhead = line("x", compared, at_most=0.24)
    assert (overhead.ratio, overhead.spread, overhead.met) == (0.25, (0.2, 0.5), False)


def test_the_table_holds_every_line_in_one_row() -> None:
    lines = [Line("a", 0.01, 2.5, 250.0, (1.25, 300.0), "at least 2", True, 10, None, "x | y\nz")]
    bounded = Line("c", bound=share("sgemm", 0.5, 2.0))
    rows = table([*lines, Line("b", note="failed: z", met=False), bounded]).splitlines()
    assert rows[2:] == [
        "| a | 10 ms | 2.5 s | 250 | 1.25 to 300 | at least 2 | met |  | 10 / – | x / y z |",
        "| b |  |  |  |  |  | not met |  |  | failed: z |",
        "| c |  |  |  |  |  |  | 0.25 of sgemm |  |  |",
    ]


@pytest.fixture
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder whose modules a benchmark's process can import."""
    path = os.pathsep.join([str(tmp_path), str(Path.cwd())])
    monkeypatch.setenv("PYTHONPATH", path)
    return tmp_path


def test_each_benchmark_ends_in_lines(modules: Path) -> None:
    written = {
        "good": "def run(quick): return [{'name': 'n', 'ratio': 2.0, 'met': quick}]",
        "raises": "def run(quick): raise OSError('no disk')",
        "dies": "import os\ndef run(quick): os._exit(5)",
        "hangs": "import time\ndef run(quick): time.sleep(600)",
        "wrong": "def run(quick): return [{'no': 'such field'}]",
        "lacks": "def run(quick): return []",
    }
    for name, text in written.items():
        (modules / f"{name}.py").write_text(textwrap.dedent(text))
    limits = dict.fromkeys(written, 100.0) | {"hangs": 0.5}
    measured = {name: runner.measure(name, True, limit) for name, limit in limits.items()}
    lines = {name: one["lines"] for name, one in measured.items()}
    assert lines["good"] == [Line("n", ratio=2.0, met=True)._asdict()]
    assert lines["raises"][0]["note"] == "failed: OSError: no disk"
    assert lines["dies"][0]["note"] == "failed: ended with status 5"
    assert lines["hangs"][0]["note"] == "failed: not done in 0.5 s"
    assert lines["wrong"][0]["note"].startswith("failed: TypeError")
    assert lines["lacks"] == []
    assert runner.measure("nowhere", True, 100)["lines"][0]["note"].startswith("failed: Module")


def _result(name: str, ratio: float, commit: str = "c") -> dict[str, object]:
    return {
        "commit": commit,
        "machine": machine.describe(),
        "date": "2026-01-01",
        "seconds": 1.0,
        "lines": [Line(name, ratio=ratio, spread=(ratio, ratio), target="at least 2")._asdict()],
    }


def test_results_merge_by_name_and_keep_their_origin(tmp_path: Path) -> None:
    old = {"b": _result("b", 2.0, "old"), "c": _result("c", 3.0, "old")}
    nothing = _result("c", 1.0, "new") | {"lines": []}
    new = {"b": _result("b", 4.0, "new"), "a": _result("a", 1.0, "new"), "c": nothing}
    both = results.merged(old, new, ["a", "b", "c"])
    assert list(both) == ["a", "b", "c"]
    assert [one["commit"] for one in both.values()] == ["new", "new", "old"]
    assert [one.ratio for one in results.lines_of(both)] == [1.0, 4.0, 3.0]
    results.write(tmp_path / "r.json", both)
    # JSON has no tuples, but nothing else changes.
    assert json.loads(json.dumps(both)) == results.read(tmp_path / "r.json")
    text = (tmp_path / "r.md").read_text()
    assert "| b | 2026-01-01 | new | 1 | 1 s |" in text and text.count("Python 3.") == 1


def test_the_picture_is_the_same_for_the_same_figures(tmp_path: Path) -> None:
    # Imported late: the processes of other tests import this module.
    from benchmarks.picture import draw

    lines = [
        Line("faster", ratio=3.0, spread=(2.0, 4.0), target="at least 2", met=True),
        Line("slower", ratio=0.5, target="at most 1.05", met=False),
        Line("failed", note="failed: z"),
    ]
    draw(lines, tmp_path / "a.svg")
    draw(lines, tmp_path / "b.svg")
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
    text = (tmp_path / "a.svg").read_text()
    assert "faster" in text and "slower" in text and "failed" not in text


def test_a_full_run_leaves_other_results_and_a_quick_one_all_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    full, quick = tmp_path / "full.json", tmp_path / "quick.json"
    monkeypatch.setattr(runner, "RESULTS", full)
    monkeypatch.setattr(runner, "QUICK_RESULTS", quick)
    monkeypatch.setattr(runner, "measure", lambda module, quick, limit: _result(module, 1.5))
    results.write(full, {"heads": _result("kept", 9.0)})
    before = full.read_bytes()
    monkeypatch.setattr(sys, "argv", ["benchmarks", "--quick", "--only", "texts", "photos"])
    runner.main()
    assert full.read_bytes() == before and list(results.read(quick)) == ["photos", "texts"]
    monkeypatch.setattr(sys, "argv", ["benchmarks", "--only", "photos"])
    runner.main()
    assert [one.name for one in results.lines_of(results.read(full))] == [
        "benchmarks.photos",
        "kept",
    ]
    monkeypatch.setattr(sys, "argv", ["benchmarks", "--take", str(quick)])
    runner.main()
    assert list(results.read(full)) == ["photos", "texts", "heads"]
    assert "benchmarks.texts" in capsys.readouterr().out


def test_stages_that_name_folders_run_little_more_often(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(Path(__file__).parents[1])
    try:
        replay.main()
    except UserError as error:
        pytest.skip(str(error))
    by_lists, by_folders = capsys.readouterr().out.splitlines()[-1].split("|")[2:4]
    assert int(by_lists) == 692
    # The weights' stage of photos converts networks, and so stands on the encoders' code.
    assert int(by_folders) <= 960


def test_a_replay_without_the_history_says_what_it_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "params.yaml").write_text("rows: {}", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="this needs a full clone"):
        replay.main()


def test_a_size_that_takes_too_long_is_known_before() -> None:
    assert growing([1000], [60.0], 3000) == pytest.approx(180)
    assert growing([1000, 4000], [60.0, 120.0], 16_000) == pytest.approx(240)
    # Faster growth, as where memory ran out, is not believed.
    assert growing([1000, 2000], [60.0, 600.0], 4000) == pytest.approx(1200)


def test_a_job_that_is_not_done_in_time_ends_with_what_it_has_started(tmp_path: Path) -> None:
    script = f"(sleep 30; touch {tmp_path}/late) & wait"
    with pytest.raises(subprocess.TimeoutExpired):
        run_for(["sh", "-c", script], tmp_path, 1)
    assert run_for(["sh", "-c", "echo said; exit 3"], tmp_path, 20).returncode == 3


def test_the_curves_of_reviewed_labels_are_drawn_the_same_each_time(tmp_path: Path) -> None:
    runs = [
        {"chosen": [0.5, 0.6], "random": [0.5, 0.5]},
        {"chosen": [0.7, 0.8], "random": [0.5, 0.7]},
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(review, "STEPS", range(0, 40, 20))
        table = review.summarised(runs)
    assert table["way"].tolist() == ["chosen"] * 2 + ["random"] * 2
    assert table["labels"].tolist() == [0, 20] * 2
    assert table["f1"].tolist() == pytest.approx([0.6, 0.7, 0.5, 0.6])
    assert table["error"].tolist() == pytest.approx([0.1, 0.1, 0, 0.1])
    for name in ("one.svg", "two.svg"):
        review.draw({"200 labels": table, "more": table}, tmp_path / name)
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()


def test_without_a_finished_demo_the_curves_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"run `dvc repro` with collect\.source: demo first"):
        review.read_market(tmp_path)


def test_faithfulness_is_the_mean_difference_with_its_interval() -> None:
    same = [Falls(1.0, np.array([0.0, 0.5]))] * 8
    assert sentence(same) == (
        "the log-odds fall by 1.00 without what is named and by 0.25 without as much at random: "
        "0.75 more (0.75 to 0.75), and more for 8 of 8 listings"
    )
    worse = sentence([*same, Falls(-1.0, np.array([1.0]))])
    assert "0.44 more (" in worse and "more for 8 of 9" in worse


def test_the_first_listings_of_a_market_come_with_their_photos(tmp_path: Path) -> None:
    (tmp_path / "market/images").mkdir(parents=True)
    for name in ("a.jpg", "c.jpg"):
        (tmp_path / "market/images" / name).write_text(name)
    table = "id,title,description,price,category,image\n1,t,,,x,a.jpg\n2,t,,,x,\n3,t,,,x,c.jpg\n"
    (tmp_path / "market/listings.csv").write_text(table)
    first_listings(tmp_path / "market", 2, tmp_path / "out")
    assert (tmp_path / "out/listings.csv").read_text() == table[: table.index("3,t")]
    (photo,) = (tmp_path / "out/images").iterdir()
    assert photo.name == photo.read_text() == "a.jpg" and not photo.is_symlink()


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ("Running stage 'pack':\nphotos: 3 of 80\n", "nothing"),
        ("error: the disk is full\nERROR: failed to reproduce 'pack': exited with 1\n", "one line"),
        ("ERROR: failed to reproduce 'pack': exited with -9\n", "one line"),
        ("ERROR: failed to transfer 'a'\nERROR: failed to push data to the cloud\n", "one line"),
        ("warning: not kept\nerror: the disk is full\n", "a warning, later one line"),
        ("error: the disk is full\nwarning: not logged\n", "2 lines"),
        ("Traceback (most recent call last):\nerror: x\n", "traceback"),
    ],
)
def test_what_the_user_sees_of_a_fault(said: str, message: str) -> None:
    assert message_of(said) == message


@pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler")
def test_a_clock_jumps_for_one_command_alone(tmp_path: Path) -> None:
    library, ahead = tmp_path / "clock.so", tmp_path / "clock"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, clock.CODE], check=True)
    day = 24 * 60 * 60
    ahead.write_bytes(struct.pack("q", 100 * day))
    code = "import time; began = time.monotonic(); time.sleep(0.01); print(time.time(), began)"
    said = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True,
        env=os.environ | {"LD_PRELOAD": str(library), "CLOCK": str(ahead)},
    ).stdout.split()  # fmt: skip
    assert float(said[0]) - time.time() > 99 * day
    assert float(said[1]) - time.monotonic() < day


def test_the_table_of_faults_adds_up() -> None:
    lines = [
        FaultLine("disk full", "pack", 2, 1, 0, 1, ["one line", "traceback"]),
        FaultLine("clock jumps", "collect", skipped="no compiler"),
    ]
    *_, disk, clock, total = table_of(lines).splitlines()
    assert disk == "| disk full | pack | 2 | 1 | 0 | 1 of 2 | 1 x one line, 1 x traceback |"
    assert clock == "| clock jumps | collect | 0 |  |  |  | skipped: no compiler |"
    assert total == "| all |  | 2 | 1 | 0 | 1 of 2 | 1 x one line, 1 x traceback |"
