"""Features by every backend are the network's own, up to a stated rounding."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from src.core.errors import UserError
from src.encoders.common import backends
from src.encoders.common.backends import BACKENDS, checked_backend, inexactness, make_backend
from src.encoders.common.network_classifier import features_of
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


@pytest.mark.parametrize("backend", BACKENDS)
def test_every_backend_gives_the_networks_features(backend: str, photos: Tensor) -> None:
    network = photo_network("test_resnet")
    extract = make_backend(backend, network, photos, CPU)
    exact = features_of(network, photos, CPU)
    # The last batch is smaller than the others.
    found = torch.cat([extract(photos[:20]), extract(photos[20:])])
    assert found.dtype == torch.float32
    assert inexactness(found, exact) < backends.LARGEST_INEXACTNESS
    if "bfloat16" not in backend:
        torch.testing.assert_close(found, exact, rtol=1e-3, atol=1e-4)


def test_asked_for_float32_nothing_is_rounded(photos: Tensor) -> None:
    network = photo_network("test_resnet")
    exact = features_of(network, photos, CPU)
    extract = checked_backend("torch", network, [photos], CPU)
    torch.testing.assert_close(extract(photos), exact, rtol=0, atol=0)
    extract = checked_backend("torch-bfloat16", network, [photos[:20], photos[20:]], CPU)
    assert not torch.equal(extract(photos), exact)


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
def test_other_features_are_refused_with_the_figure(
    wrong: str, photos: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = photo_network("test_resnet")
    exact = features_of(network, photos, CPU)
    found = exact.flip(0) if wrong == "other" else torch.full_like(exact, torch.nan)
    monkeypatch.setattr(backends, "make_backend", lambda *_: lambda batch: found)
    says = r"features is openvino, whose .* by (1\.\d|nan) of their spread; expected at most 0\.2"
    with pytest.raises(UserError, match=says) as error:
        checked_backend("openvino", network, [photos], CPU)
    assert "\n" not in str(error.value)


def test_a_backend_that_is_not_there_is_named(
    photos: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = photo_network("plain_cnn")
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(UserError, match="pip install openvino") as error:
        checked_backend("openvino", network, [photos], CPU)
    assert "\n" not in str(error.value)
    with pytest.raises(UserError, match="computes photos on CPUs only"):
        make_backend("openvino", network, photos, torch.device("cuda"))


@pytest.mark.parametrize("backend", ["openvino", "openvino-bfloat16"])
def test_texts_never_use_openvino(backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class Text(nn.Module):
        def features(self, batch: dict[str, Tensor]) -> Tensor:
            return batch["input_ids"].float() @ torch.linspace(-1, 1, 12).view(4, 3)

    monkeypatch.setitem(sys.modules, "openvino", None)
    batch = {"input_ids": torch.arange(40).view(10, 4)}
    extract = make_backend(backend, Text(), batch, CPU)
    exact = features_of(Text(), batch, CPU)
    assert torch.equal(extract(batch), exact) == (backend == "openvino")


def test_comparing_a_backend_does_not_move_the_dice(photos: Tensor) -> None:
    network = photo_network("test_resnet")
    for backend in BACKENDS:
        torch.manual_seed(1)
        expected = torch.rand(3)
        torch.manual_seed(1)
        checked_backend(backend, network, [photos], CPU)
        assert torch.equal(torch.rand(3), expected), backend


def test_openvino_uses_no_network_and_no_home_folder(tmp_path: Path) -> None:
    code = """
import socket
def refuse(*_, **__):
    raise AssertionError("the network was used")
socket.socket.connect = socket.getaddrinfo = refuse
import torch
from src.encoders.common.backends import checked_backend
from tests.encoders.test_backends import photo_network
photos = torch.randint(0, 256, (32, 32, 32, 3), dtype=torch.uint8)
checked_backend("openvino", photo_network("plain_cnn"), [photos], torch.device("cpu"))
"""
    env = os.environ | {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)}
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, env=env)
    assert list(tmp_path.iterdir()) == []
