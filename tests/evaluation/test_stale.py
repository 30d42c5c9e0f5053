"""Outputs of rows that params.yaml no longer names are removed, and nothing else is."""

from __future__ import annotations

from pathlib import Path

import pytest

from src.core.schema import Rows
from src.evaluation.stale import remove_stale_rows

ROWS = Rows(image=["cnn"], text=["tfidf"], fused=["stack"])
KEPT = (
    "weights/cnn/source.json",
    "weights/tfidf/source.json",
    "checkpoints/cnn/model.json",
    "checkpoints/stack/model.json",
    "embeddings/tfidf/round_1/features.npz",
    "predictions/stack.npz",
    "predictions/leaky.npz",
    # No row has such a name or such a place.
    "embeddings/.gitignore",
    "embeddings/.cnn.12-34.part/features.npz",
    "embeddings/notes of mine/a.txt",
    "embeddings/readme",
    "predictions/resnet50.csv",
    "predictions/resnet50/a.txt",
    "tokens/rubert/tokens.npz",
    "own/resnet50/photo.jpg",
)
STALE = (
    "weights/resnet50/source.json",
    "checkpoints/resnet50/model.json",
    "checkpoints/knn/model.json",
    "embeddings/resnet50/features.npz",
    "embeddings/resnet50/round_1/features.npz",
    "predictions/knn.npz",
)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    for name in (*KEPT, *STALE):
        path = tmp_path / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return tmp_path / "data"


def files(data: Path) -> set[str]:
    return {str(path.relative_to(data)) for path in data.rglob("*") if path.is_file()}


def test_only_outputs_of_rows_not_named_are_removed(data: Path) -> None:
    removed = remove_stale_rows(data, ROWS)
    assert [str(path.relative_to(data)) for path in removed] == [
        "checkpoints/knn",
        "checkpoints/resnet50",
        "embeddings/resnet50",
        "predictions/knn.npz",
        "weights/resnet50",
    ]
    assert files(data) == set(KEPT)
    assert remove_stale_rows(data, ROWS) == []


def test_a_link_is_removed_but_not_what_it_points_to(data: Path) -> None:
    target = data / "own" / "resnet50"
    (data / "embeddings" / "linked").symlink_to(target, target_is_directory=True)
    remove_stale_rows(data, ROWS)
    assert not (data / "embeddings" / "linked").exists()
    assert (target / "photo.jpg").exists()


def test_folders_that_are_not_there_are_no_error(tmp_path: Path) -> None:
    assert remove_stale_rows(tmp_path, ROWS) == []
