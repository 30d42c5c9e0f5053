"""Features by every backend are the network's own, up to a stated rounding."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from src.core.errors import UserError
from src.encoders.common import backends
from src.encoders.common.backends import (
    BACKENDS,
    in_float32,
    inexactness,
    make_backend,
    require_exact,
)
from src.encoders.common.converted import _openvino
from src.encoders.common.network_classifier import Batch, features_of
from src.encoders.image.convert import convert_image_network
from src.encoders.image.networks import ImageNetwork
from src.encoders.weights.fetch import IMAGENET_NORM
from tests.encoders.conftest import SIZE, trained_image

CPU = torch.device("cpu")
ROOT = Path(__file__).parents[2]


def photo_network(name: str) -> ImageNetwork:
    torch.manual_seed(0)
    settings = trained_image(tune="head", dropout=0.0)
    network = ImageNetwork(settings, {"network": name, **IMAGENET_NORM}, 3)
    # Statistics that folding must carry over, not the first ones of zero and one.
    for layer in network.backbone.modules():
        if isinstance(layer, nn.BatchNorm2d):
            nn.init.uniform_(layer.running_mean, -0.5, 0.5)  # type: ignore[arg-type]
            nn.init.uniform_(layer.running_var, 0.5, 2.0)  # type: ignore[arg-type]
            nn.init.uniform_(layer.weight, 0.5, 2.0)
            nn.init.uniform_(layer.bias, -0.5, 0.5)
    return network.eval()


@pytest.fixture(scope="module")
def photos() -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (32, SIZE, SIZE, 3), dtype=torch.uint8, generator=generator)


# A stem of several layers is one module, and the normalisation after it stays.
@pytest.mark.parametrize(
    ("name", "stay"), [("plain_cnn", 0), ("test_resnet", 1), ("tf_efficientnet_lite0", 0)]
)
def test_folding_changes_layers_but_not_features(name: str, stay: int, photos: Tensor) -> None:
    network = photo_network(name)
    before = {key: value.clone() for key, value in network.state_dict().items()}
    folded = backends.folded(network)

    left = [layer for layer in folded.modules() if isinstance(layer, nn.BatchNorm2d)]
    assert len(left) == stay
    exact = features_of(network, photos, CPU)
    torch.testing.assert_close(features_of(folded, photos, CPU), exact, rtol=1e-3, atol=1e-4)
    for key, value in network.state_dict().items():
        torch.testing.assert_close(value, before[key], rtol=0, atol=0)


@pytest.fixture(scope="module")
def converted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("converted")
    convert_image_network(photo_network("test_resnet"), SIZE, folder)
    return folder


@pytest.mark.parametrize("backend", BACKENDS)
def test_every_backend_gives_the_networks_features(
    backend: str, converted: Path, photos: Tensor
) -> None:
    network = photo_network("test_resnet")
    extract = make_backend(backend, network, converted, CPU)
    exact = features_of(network, photos, CPU)
    # The last batch is smaller than the others.
    found = torch.cat([extract(photos[:20]), extract(photos[20:])])
    assert found.dtype == torch.float32
    assert inexactness(found, exact) < backends.LARGEST_INEXACTNESS
    # Without units for bfloat16 OpenVINO computes in float32.
    units = "BF16" in _openvino().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    rounds = backend != in_float32(backend) and (units or not backend.startswith("openvino"))
    assert (inexactness(found, exact) > 1e-3) == rounds
    if backend == in_float32(backend):
        assert inexactness(found, exact) < 1e-5


@pytest.mark.parametrize("backend", ["openvino", "openvino-bfloat16"])
def test_pytorch_computes_what_is_not_converted_and_what_a_gpu_can(
    backend: str, converted: Path, photos: Tensor
) -> None:
    network = photo_network("test_resnet")
    as_torch = make_backend(backend.replace("openvino", "torch"), network, None, CPU)
    for folder, device in ((None, CPU), (converted, torch.device("cuda"))):
        extract = make_backend(backend, network, folder, device)
        assert isinstance(extract, partial)
        assert extract.keywords["device"] == device
    extract = make_backend(backend, network, None, CPU)
    torch.testing.assert_close(extract(photos), as_torch(photos), rtol=0, atol=0)


def test_inexactness_is_relative_to_how_features_vary() -> None:
    generator = torch.Generator().manual_seed(0)
    x, noise = torch.randn(2, 100, 50, generator=generator)
    assert inexactness(x, x) == 0
    assert inexactness(x + 0.01 * noise, x) == pytest.approx(0.01, rel=0.1)
    # Neither the scale nor the mean of a feature matters, but how much it varies.
    scale, mean = torch.linspace(0.01, 100, 50), torch.linspace(-1000, 1000, 50)
    found = inexactness((x + 0.01 * noise) * scale + mean, x * scale + mean)
    assert found == pytest.approx(0.01, rel=0.1)
    # A feature that is 0 for all of these listings has no scale.
    x[:, 0] = 0
    assert inexactness(x + 0.01 * noise, x) == pytest.approx(0.01, rel=0.1)


@pytest.mark.parametrize("wrong", ["other", "nan"])
def test_other_features_are_refused_with_the_figure(wrong: str, photos: Tensor) -> None:
    exact = make_backend("torch", photo_network("test_resnet"), None, CPU)

    def extract(batch: Batch) -> Tensor:
        found = exact(batch)
        return found.flip(0) if wrong == "other" else torch.full_like(found, torch.nan)

    says = r"features is openvino-bfloat16, whose .* by (1\.\d|nan) of .* 0\.2: .* to openvino$"
    batches = [photos[:20], photos[20:]]
    with pytest.raises(UserError, match=says) as error:
        require_exact("openvino-bfloat16", extract, exact, batches)
    assert "\n" not in str(error.value)
    require_exact("openvino-bfloat16", exact, exact, batches)


def test_making_a_backend_does_not_move_the_dice(converted: Path, photos: Tensor) -> None:
    network = photo_network("test_resnet")
    for backend in BACKENDS:
        torch.manual_seed(1)
        expected = torch.rand(3)
        torch.manual_seed(1)
        make_backend(backend, network, converted, CPU)(photos)
        assert torch.equal(torch.rand(3), expected), backend


def test_openvino_uses_no_network_and_no_home_folder(tmp_path: Path) -> None:
    code = """
import socket, sys
def refuse(*_, **__):
    raise AssertionError("the network was used")
socket.socket.connect = socket.getaddrinfo = refuse
from pathlib import Path
import numpy as np
from src.encoders.common.converted import ConvertedNetwork
from src.encoders.image.convert import convert_image_network
from tests.encoders.test_backends import photo_network
out = Path(sys.argv[1])
convert_image_network(photo_network("plain_cnn"), 32, out)
ConvertedNetwork(out).features(np.zeros((1, 32, 32, 3), np.uint8))
"""
    home, out = tmp_path / "home", tmp_path / "out"
    home.mkdir()
    out.mkdir()
    env = os.environ | {"HOME": str(home), "XDG_CACHE_HOME": str(home)}
    subprocess.run([sys.executable, "-c", code, str(out)], check=True, cwd=ROOT, env=env)
    assert list(home.iterdir()) == []
    assert {file.name for file in out.iterdir()} == {"features.xml", "features.bin"}
