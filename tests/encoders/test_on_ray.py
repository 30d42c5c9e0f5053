"""With `engine: ray`, photos are packed and frozen features computed to the same bytes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import timm
import torch
from PIL import Image

from src.core import cluster
from src.core.cluster import on_ray
from src.core.errors import UserError
from src.core.listings import labels_of
from src.encoders.common.features import FrozenFeatures
from src.encoders.common.loading import NetworkData
from src.encoders.image.convert import convert_frozen
from src.encoders.image.data import ImageData
from src.encoders.text.data import TextData
from src.encoders.weights.backbone import save_backbone
from src.prepare.pack import pack_photos
from tests.encoders.conftest import (
    SIZE,
    TRAINER,
    kernel_image,
    kernel_text,
    photo_weights,
    trained_image,
)
from tests.made import CLASSES

pytestmark = pytest.mark.usefixtures("two_workers")


def both(data: NetworkData, table: pd.DataFrame, settings: Any, backend: str) -> list[Any]:
    """Return the bytes of the features, of each view, with either engine."""
    found = []
    for engine in ("local", "ray"):
        trainer = TRAINER.model_copy(update={"features": backend, "engine": engine})
        frozen = FrozenFeatures(data, labels_of(table)[1], settings, trainer, 7, "row")
        torch.manual_seed(0)
        views = frozen.of(data.start(CLASSES).network, data.views)
        found.append([x.numpy().tobytes() for x in views])
    return found


def test_features_of_photos_are_the_same_bytes(
    table: pd.DataFrame, packed: Path, tmp_path: Path
) -> None:
    small = {"network": "test_resnet", "weights": "package"}
    folder = photo_weights(tmp_path / "small", "test_resnet")
    torch.manual_seed(0)
    save_backbone("test_resnet", timm.create_model("test_resnet").state_dict(), folder)
    convert_frozen(kernel_image(**small), folder, SIZE)
    data = ImageData(table, packed, folder, kernel_image(**small))
    local, there = both(data, table, kernel_image(**small), "openvino")
    assert local == there and len(local) == 1
    # PyTorch, and random views of each photo.
    views = trained_image(**small, tune="head", augment="albumentations", views=2)
    data = ImageData(table, packed, folder, views)
    local, there = both(data, table, views, "torch")
    assert local == there and len({*local}) == 3


def test_features_of_texts_are_the_same_bytes(
    table: pd.DataFrame, tokens: Path, bert_weights: Path
) -> None:
    data = TextData(table, tokens, bert_weights, kernel_text())
    local, there = both(data, table, kernel_text(), "openvino")
    assert local == there


def test_photos_are_packed_to_the_same_bytes(tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    for number in range(12):
        # Some are of the same content, some plain.
        shade = Image.linear_gradient("L").rotate(30 * (number % 8))
        (shade if number % 5 else Image.new("L", (64, 48))).save(photos / f"{number}.jpg")
    (photos / "broken.jpg").write_bytes(b"\xff\xd8\xff no photo")
    named = [None, "missing.jpg", "broken.jpg", *(f"{number}.jpg" for number in range(12))]
    table = pd.DataFrame({"id": map(str, range(15)), "photo": pd.array(named, dtype="str")})
    for engine in ("local", "ray"):
        pack_photos(table, photos, tmp_path / engine, 32, engine)
    for name in ("photos.npy", "index.parquet"):
        assert (tmp_path / "ray" / name).read_bytes() == (tmp_path / "local" / name).read_bytes()


def test_a_mistake_that_a_worker_finds_is_one_line() -> None:
    def make() -> Callable[[int], int]:
        raise UserError("no such folder on this machine")

    with pytest.raises(UserError, match=r"^no such folder on this machine$"):
        list(on_ray(make, [1]))


def test_work_that_kills_every_worker_ends_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "RETRIES", 1)

    def make() -> Callable[[int], int]:
        import os

        return lambda number: number if number < 3 else os._exit(1)

    done = on_ray(make, range(5))
    assert [next(done) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(UserError, match=r"^a worker of Ray died 2 times over the same work"):
        next(done)


def test_more_processors_than_any_machine_has_are_refused() -> None:
    with pytest.raises(UserError, match=r"^no machine of the cluster gives 3 processors"):
        list(on_ray(lambda: abs, [1], cpus=3))
