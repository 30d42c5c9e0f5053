"""Converted networks: their features are PyTorch's, their bytes repeat, their faults are told."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import timm
import torch
from torch import Tensor, nn

from src.core.errors import UserError
from src.core.listings import labels_of
from src.core.schema import WeightsSource
from src.encoders.common import convert as converting
from src.encoders.common.backends import inexactness
from src.encoders.common.convert import convert
from src.encoders.common.converted import CONVERTED, WEIGHTS, ConvertedNetwork, no_telemetry
from src.encoders.common.features import FrozenFeatures
from src.encoders.common.heads import KernelHead
from src.encoders.image.convert import convert_frozen
from src.encoders.image.data import ImageData
from src.encoders.image.networks import start_image_network
from src.encoders.text.train import text_encoder
from src.encoders.weights.backbone import save_backbone
from src.encoders.weights.fetch import fetch_weights
from tests.encoders.conftest import (
    SIZE,
    TRAINER,
    kernel_image,
    kernel_text,
    photo_weights,
    trained_image,
)
from tests.made import CLASSES

ROOT = Path(__file__).parents[2]

LITE = {"network": "tf_efficientnet_lite0", "weights": "package"}
SMALL = {"network": "test_resnet", "weights": "package"}
PACKED = 64
# The photos are packed larger, as large or smaller than the network reads them.
FROZEN: list[dict[str, Any]] = [
    {"pixels": 48},
    {"pixels": PACKED, "mirrored": True},
    {"pixels": 96, "mirrored": True, "blocks": 2},
]


@pytest.fixture(scope="module")
def lite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("weights") / "lite"
    fetch_weights("image", WeightsSource(network=LITE["network"], weights="package"), folder)
    return folder


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """Stored weights of a small network."""
    folder = photo_weights(tmp_path / "small", SMALL["network"])
    torch.manual_seed(0)
    save_backbone(SMALL["network"], timm.create_model(SMALL["network"]).state_dict(), folder)
    return folder


@pytest.fixture(scope="module")
def photos() -> Tensor:
    """Coloured areas: the features of mere noise would hardly differ from photo to photo."""
    generator = torch.Generator().manual_seed(1)
    areas = torch.randint(0, 256, (40, 3, 4, 4), generator=generator).float()
    return (
        nn.functional.interpolate(areas, (PACKED, PACKED)).byte().permute(0, 2, 3, 1).contiguous()
    )


@pytest.mark.parametrize("settings", FROZEN)
def test_features_are_those_of_pytorch_as_heads_read_them(
    settings: dict[str, Any], lite: Path, photos: Tensor
) -> None:
    row = kernel_image(**LITE | settings)
    convert_frozen(row, lite, PACKED)
    network = start_image_network(row, lite, 3).eval()
    with torch.inference_mode():
        exact = network.features(photos)
    found = torch.from_numpy(ConvertedNetwork(lite).features(photos.numpy()))
    head = KernelHead(exact.shape[1], 1, gamma=1.0)
    head.set_landmarks(exact, np.arange(1))
    read = head.scaled(exact)
    assert float((head.scaled(found) - read).norm() / read.norm()) < 1e-4


def test_only_a_network_that_training_leaves_as_it_is_is_converted(
    small: Path, tmp_path: Path
) -> None:
    convert_frozen(trained_image(**SMALL), small, PACKED)
    convert_frozen(trained_image(**SMALL | {"weights": "hub"}), small, PACKED)
    drawn = photo_weights(tmp_path / "random")
    convert_frozen(kernel_image(), drawn, PACKED)
    assert not [*tmp_path.rglob("features.*")]
    convert_frozen(trained_image(**SMALL | {"tune": "head"}), small, PACKED)
    assert {file.name for file in small.glob("features.*")} == {CONVERTED, WEIGHTS}


def test_the_same_network_gives_the_same_bytes_in_any_process(small: Path) -> None:
    def files() -> list[bytes]:
        return [(small / name).read_bytes() for name in (CONVERTED, WEIGHTS)]

    row = kernel_image(**SMALL)
    convert_frozen(row, small, PACKED)
    before = files()
    convert_frozen(row, small, PACKED)
    assert files() == before
    code = f"""
from pathlib import Path
from src.core.schema import KernelImage
from src.encoders.common.features import FrozenFeatures
from src.encoders.common.heads import KernelHead
from src.encoders.image.convert import convert_frozen
convert_frozen(KernelImage(**{row.model_dump()!r}), Path({str(small)!r}), {PACKED})
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
    assert files() == before


def test_training_reads_the_conversion_and_no_fit_changes_it(
    small: Path, table: pd.DataFrame, packed: Path
) -> None:
    row = kernel_image(**SMALL)
    assert ImageData(table, packed, small, row).converted is None
    convert_frozen(row, small, SIZE)
    data = ImageData(table, packed, small, row)
    assert data.converted == small
    labels = labels_of(table)[1]
    found = {}
    for backend in ("torch", "openvino"):
        trainer = TRAINER.model_copy(update={"features": backend})
        frozen = FrozenFeatures(data, labels, row, trainer, 7, "row")
        (found[backend],) = frozen.of(data.start(CLASSES).network)
    assert not torch.equal(found["torch"], found["openvino"])
    assert inexactness(found["openvino"], found["torch"]) < 1e-4


class Plain(nn.Module):
    def __init__(self, half: bool = False) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layer = nn.Linear(64, 32)
        if half:
            self.layer.half().float()

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x)


@pytest.mark.parametrize("half", [False, True])
def test_weights_that_came_from_16_bits_take_16_bits(half: bool, tmp_path: Path) -> None:
    convert(Plain(half), [torch.ones(2, 64)], [[-1, 64]], tmp_path)
    size = (tmp_path / WEIGHTS).stat().st_size
    assert 33 * 64 * (2 if half else 4) * 0.9 < size < 33 * 64 * (2 if half else 4) * 1.3


def test_other_features_and_what_cannot_be_converted_are_told_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Unknown(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return torch.linalg.lu_factor(x)[0]

    with pytest.raises(UserError, match="cannot be converted for OpenVINO") as error:
        convert(Unknown(), [torch.rand(4, 4)], [[-1, 4]], tmp_path)
    assert "\n" not in str(error.value)
    monkeypatch.setattr(converting, "LARGEST_RELATIVE_ERROR", -1.0)
    with pytest.raises(UserError, match=r"features that differ by .* of their size; expected"):
        convert(Plain(), [torch.rand(4, 64)], [[-1, 64]], tmp_path)


def test_threads_share_a_network(tmp_path: Path) -> None:
    network = Plain()
    convert(network, [torch.ones(2, 64)], [[-1, 64]], tmp_path)
    converted = ConvertedNetwork(tmp_path)
    batches = [np.random.default_rng(n).normal(size=(n % 5 + 1, 64)) for n in range(200)]
    given = [batch.astype(np.float32) for batch in batches]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(converted.features, given))
    for x, batch in zip(found, given, strict=True):
        with torch.inference_mode():
            exact = network(torch.from_numpy(batch)).numpy()
        np.testing.assert_allclose(x, exact, atol=1e-5)


def test_features_of_a_prediction_do_not_depend_on_how_many_threads_there_are(
    lite: Path, photos: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    convert_frozen(kernel_image(**LITE), lite, PACKED)
    batches, found = photos.numpy().reshape(-1, 5, PACKED, PACKED, 3), set()
    for threads in (1, 2, 3):
        monkeypatch.setenv("OMP_NUM_THREADS", str(threads))
        network = ConvertedNetwork(lite, at_once=threads)
        with ThreadPoolExecutor(4) as pool:
            found.add(b"".join(x.tobytes() for x in pool.map(network.features, batches)))
    assert len(found) == 1


def test_the_first_features_may_be_asked_for_by_several_threads(tmp_path: Path) -> None:
    convert(Plain(), [torch.ones(2, 64)], [[-1, 64]], tmp_path)
    # In processes of their own, for it is the first ones that waited for each other.
    code = f"""
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
import numpy as np
from src.encoders.common.converted import ConvertedNetwork
network = ConvertedNetwork(Path({str(tmp_path)!r}), at_once=4)
with ThreadPoolExecutor(4) as pool:
    list(pool.map(network.features, [np.ones((1, 64), np.float32)] * 4))
"""
    for _ in range(3):
        subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, timeout=60)


@pytest.mark.parametrize("name", [CONVERTED, WEIGHTS])
def test_a_broken_file_is_named(name: str, tmp_path: Path) -> None:
    convert(Plain(), [torch.ones(2, 64)], [[-1, 64]], tmp_path)
    (tmp_path / name).write_bytes((tmp_path / name).read_bytes()[:100])
    with pytest.raises(UserError, match=r"features.xml is not a whole network") as error:
        ConvertedNetwork(tmp_path)
    assert "\n" not in str(error.value)


def test_a_converted_network_needs_no_pytorch(tmp_path: Path) -> None:
    convert(Plain(), [torch.ones(2, 64)], [[-1, 64]], tmp_path)
    code = f"""
import sys
from pathlib import Path
import numpy as np
from src.encoders.common.converted import ConvertedNetwork
ConvertedNetwork(Path({str(tmp_path)!r})).features(np.ones((1, 64), np.float32))
assert "torch" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_networks_that_are_given_up_leave_signals_alone(tmp_path: Path) -> None:
    convert(Plain(), [torch.rand(4, 64)], [[-1, 64]], tmp_path)
    # In a process of its own: a signal without a stack to be handled on ends it.
    code = f"""
import signal
from pathlib import Path
from src.encoders.common.converted import ConvertedNetwork
first, second = (ConvertedNetwork(Path({str(tmp_path)!r})) for _ in range(2))
del first
del second
signal.signal(signal.SIGUSR1, lambda *_: print("handled"))
signal.raise_signal(signal.SIGUSR1)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "handled\n"


def test_a_network_from_the_hub_that_cannot_be_converted_is_refused_before_it_is_fitted(
    small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(converting, "LARGEST_RELATIVE_ERROR", -1.0)
    convert_frozen(trained_image(**SMALL), small, PACKED)
    with pytest.raises(UserError, match="features that differ"):
        convert_frozen(trained_image(**SMALL | {"weights": "hub"}), small, PACKED)


@pytest.mark.parametrize("weights", ["random", "hub"])
def test_so_is_a_text_network(
    weights: str, table: pd.DataFrame, tokens: Path, bert_weights: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    for folder, name in ((tokens, "tokens"), (bert_weights, "weights")):
        shutil.copytree(folder, tmp_path / name / "row")
    monkeypatch.setattr(converting, "LARGEST_RELATIVE_ERROR", -1.0)
    settings = kernel_text(words=0.3).model_copy(update={"weights": weights})
    with (
        pytest.raises(UserError, match="features that differ")
        if weights == "hub"
        else nullcontext()
    ):
        text_encoder(table, "row", settings, TRAINER, 7, tmp_path)


def test_networks_read_side_by_side_leave_the_environment_as_it_was(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("CI", raising=False)

    def quiet(_: int) -> str:
        with no_telemetry():
            time.sleep(0.001)
            return os.environ["CI"]

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(quiet, range(40))) == {"true"}
    assert "CI" not in os.environ
