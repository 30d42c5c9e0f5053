"""MLflow with a real SQLite store: one run per row and state, whatever is run again."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from mlflow.entities import Run

from src.tracking.confusion import draw_confusion
from src.tracking.rows import TrackedRow, read_tracked_rows
from src.tracking.tracking import track
from tests.tracking.conftest import CATEGORIES, ROWS, mlflow_client, mlflow_runs


def test_every_row_is_logged_once(repo: Path) -> None:
    rows = read_tracked_rows(repo)
    assert len(rows) == 12
    assert track(rows, "listings", repo).startswith("MLflow: 12 runs (12 new) in sqlite:///")
    assert track(read_tracked_rows(repo), "listings", repo).startswith("MLflow: 12 runs (0 new)")
    assert len(mlflow_runs(repo)) == 12
    changed = [replace(rows[0], lock_hash="f" * 64), *rows[1:]]
    assert "(1 new)" in track(changed, "listings", repo)
    assert len(mlflow_runs(repo)) == 13
    assert "(0 new)" in track(rows, "listings", repo)
    runs = mlflow_runs(repo)
    assert len(runs) == 13
    _check_contents(repo, rows, runs)


def _check_contents(repo: Path, rows: list[TrackedRow], runs: list[Run]) -> None:
    by_row = {run.data.tags["row"]: run for run in runs}
    assert set(by_row) == {f"{kind}/{name}" for kind, name in ROWS}
    run, row = by_row["text/tfidf"], next(row for row in rows if row.name == "tfidf")
    assert run.info.run_name == "tfidf"
    assert run.data.metrics["f1"] == 0.9 and run.data.metrics["per.Одежда_ обувь"] == 1
    assert run.data.params == {
        "text_models.tfidf.lr": "1e-05",
        "text_models.tfidf.epochs": "3",
        "seed": "7",
    }
    assert run.data.tags["dvc.stage"] == "train_text@tfidf"
    assert run.data.tags["dvc.lock_hash"] == row.lock_hash
    assert len(run.data.tags["mlflow.source.git.commit"]) == 40
    assert run.data.tags["git.dirty"] in ("true", "false")
    client = mlflow_client(repo)
    history = client.get_metric_history(run.info.run_id, "epoch/train_loss")
    assert [(point.step, point.value) for point in history] == [(0, 2.0), (1, 1.0), (2, 0.5)]
    # An epoch without a value has no point.
    assert len(client.get_metric_history(run.info.run_id, "epoch/val_f1")) == 2
    folder = repo / "mlartifacts" / run.info.run_id / "artifacts"
    assert sorted(str(file.relative_to(folder)) for file in folder.rglob("*.*")) == [
        "confusion.png",
        "model/about.json",
        "model/model.safetensors",
    ]
    # The leaky row has only scores.
    assert client.list_artifacts(by_row["leaky/logreg_leaky"].info.run_id) == []


def test_new_scores_of_a_known_row_are_logged(repo: Path) -> None:
    rows = read_tracked_rows(repo)[:1]
    track(rows, "listings", repo)
    reevaluated = [replace(rows[0], metrics={**rows[0].metrics, "f1": 0.8})]
    assert "(0 new)" in track(reevaluated, "listings", repo)
    (run,) = mlflow_runs(repo)
    assert run.data.metrics["f1"] == 0.8
    assert len(mlflow_client(repo).get_metric_history(run.info.run_id, "epoch/train_loss")) == 3


def test_an_interrupted_run_is_replaced(repo: Path) -> None:
    rows = read_tracked_rows(repo)[:3]
    track(rows[:1], "listings", repo)
    client = mlflow_client(repo)
    experiment_id = mlflow_runs(repo)[0].info.experiment_id
    tags = {"row": f"{rows[1].kind}/{rows[1].name}", "dvc.lock_hash": str(rows[1].lock_hash)}
    cut_off = client.create_run(experiment_id, tags=tags).info.run_id
    assert "(2 new)" in track(rows, "listings", repo)
    runs = mlflow_runs(repo)
    assert len(runs) == 3 and cut_off not in {run.info.run_id for run in runs}
    assert {run.info.status for run in runs} == {"FINISHED"}


def test_rows_that_dvc_lock_does_not_have_are_logged_once(repo: Path) -> None:
    (repo / "dvc.lock").unlink()
    rows = read_tracked_rows(repo)[:2]
    assert [row.lock_hash for row in rows] == [None, None]
    track(rows, "listings", repo)
    assert "(0 new)" in track(rows, "listings", repo)
    assert all("dvc.lock_hash" not in run.data.tags for run in mlflow_runs(repo))


def test_the_hash_covers_what_the_row_was_made_from(repo: Path) -> None:
    before = {row.name: row.lock_hash for row in read_tracked_rows(repo) if row.kind == "image"}
    lock = json.loads((repo / "dvc.lock").read_text())
    lock["stages"]["train_image@cnn"]["outs"][0]["md5"] = "other"
    lock["stages"]["train_image@resnet50"]["params"]["params.yaml"]["seed"] = 8
    lock["stages"]["train_image@efficientnet"]["deps"][0]["md5"] = "other"
    (repo / "dvc.lock").write_text(json.dumps(lock))
    after = {row.name: row.lock_hash for row in read_tracked_rows(repo) if row.kind == "image"}
    assert {name for name in before if before[name] != after[name]} == {"resnet50", "efficientnet"}


def test_two_at_once_log_each_row_once(repo: Path) -> None:
    rows = read_tracked_rows(repo)[:2]
    with ThreadPoolExecutor(2) as pool:
        lines = list(pool.map(lambda _: track(rows, "listings", repo), range(2)))
    assert sorted(line.split("(")[1][:5] for line in lines) == ["0 new", "2 new"]
    assert len(mlflow_runs(repo)) == 2


def test_the_confusion_matrix_shows_all_categories(repo: Path) -> None:
    figure = draw_confusion(repo / "metrics/confusion/cnn.csv", "image/cnn")
    axes = figure.axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == sorted(CATEGORIES)
    assert [text.get_text() for text in axes.texts] == ["1"] * 17


@pytest.mark.filterwarnings("ignore:Glyph .* missing from font")
@pytest.mark.parametrize(
    "names",
    [
        ["Товары для детей и игрушки, " * 7, "Ж" * 200, "б"],
        ["$x_{1", "a $ b", "50% $"],
        ["超大号全新连衣裙" * 10, "😀" * 30],
        [f"{'очень длинное название ' * 3}{n}" for n in range(17)],
    ],
    ids=["200 characters", "no formulas", "no spaces", "many"],
)
def test_no_name_is_cut_off_the_picture(names: list[str], tmp_path: Path) -> None:
    names = [name.strip() for name in names]
    pairs = pd.DataFrame({"actual": names, "predicted": names[::-1]})
    pairs.to_csv(tmp_path / "pairs.csv", index=False)
    figure = draw_confusion(tmp_path / "pairs.csv", "image/cnn")
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    axes = figure.axes[0]
    labels = [*axes.get_xticklabels(), *axes.get_yticklabels(), axes.title]
    for label in labels:
        place = label.get_window_extent()
        assert figure.bbox.x0 <= place.x0 and place.x1 <= figure.bbox.x1
        assert figure.bbox.y0 <= place.y0 and place.y1 <= figure.bbox.y1
    shown = ["".join(label.get_text().split()) for label in axes.get_yticklabels()]
    assert shown == ["".join(name.split()) for name in sorted(names)]
    # The matrix itself is still there.
    assert axes.get_window_extent().width > 60 * len(names) ** 0.5
