"""The command that compares new ads with the training ads."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from src.predict import watch
from tests.closure import ROOT
from tests.predict.conftest import Pipeline

Watch = Callable[..., str]


@pytest.fixture
def run(bundle: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Watch:
    def run(*arguments: object) -> str:
        asked = [*map(str, arguments), "--bundle", str(bundle)]
        monkeypatch.setattr(sys, "argv", ["watch", *asked])
        capsys.readouterr()
        watch.main()
        return capsys.readouterr().out

    return run


def new_ads(pipeline: Pipeline, folder: Path, text: str = "") -> Path:
    """The training ads themselves, or with other texts, as a user's table."""
    table = pipeline.raw.rename(columns={"text": "description", "photo": "image"})
    if text:
        table = table.assign(title=text, description=text)
    table.to_csv(folder / "new.csv", index=False)
    return folder / "new.csv"


def test_ads_are_compared_with_labels_where_the_table_has_them(
    run: Watch, pipeline: Pipeline, tmp_path: Path
) -> None:
    lines = run(new_ads(pipeline, tmp_path), "--photos", pipeline.photos).splitlines()
    assert lines[0] == f"{tmp_path}/new.csv: 60 new ads, compared with 60 training ads"
    names = [line.split()[1] for line in lines[1:-1]]
    assert names == ["photos:", "prices:", "words:", "confidence:", "categories:", "score:"]
    assert lines[1].startswith("alike    photos: 5% of the new ads have none, 5% of the training")
    assert "on 60 ads with a label, promised 0.800 (0.600–0.950); accuracy " in lines[6]
    assert (
        lines[-1].endswith(" of 6 differ significantly (Holm's correction)")
        or ": check" in (lines[-1])
    )
    without = run(tmp_path / "new.csv", "--photos", pipeline.photos, "--column", "category=")
    assert "score:" not in without and without.splitlines()[1:3] == lines[1:3]


def test_other_words_and_missing_photos_are_told(
    run: Watch, pipeline: Pipeline, tmp_path: Path
) -> None:
    table = new_ads(pipeline, tmp_path, text="совсем иные слова")
    printed = run(table, "--column", "photo=")
    assert "DIFFERS  photos: 100% of the new ads have none, 5% of the training ads" in printed
    assert "DIFFERS  words: of the words in a new ad 100% are in no training ad" in printed
    assert ": check the answers on ads with labels before you rely on them" in printed


def test_a_table_that_cannot_be_used_is_one_line(bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "new.csv").write_text("title,price\n", encoding="utf-8")
    command = [sys.executable, "-m", "src.predict.watch", "--bundle", str(bundle)]
    for arguments, message in (
        ([str(tmp_path / "none.csv")], "none.csv: there is no such file"),
        ([str(tmp_path / "new.csv")], "new.csv has no row that can be read"),
        ([str(tmp_path / "new.csv"), "--column", "color=a"], "--column color=a: expected FIELD="),
    ):
        done = subprocess.run(
            [*command, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert done.returncode == 1 and done.stderr.count("\n") == 1, done.stderr
        assert done.stderr.startswith("error: ") and message in done.stderr


def test_nothing_slow_is_imported_that_predictions_do_not_need() -> None:
    slow = {"torch", "mlflow", "transformers"}
    code = f"import sys, src.predict.watch; print(*{slow} & {{*sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout.strip()) == (0, "")
