"""Features by every way are the network's own, up to a stated rounding."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from src.encoders import inference, speed
from src.encoders.common.precision import training_precision
from src.encoders.common.score import features_of
from src.encoders.image.networks import ImageNetwork
from src.encoders.weights.fetch import IMAGENET_NORM
from tests.encoders.conftest import SIZE

CPU = torch.device("cpu")


def photo_network(name: str) -> ImageNetwork:
    torch.manual_seed(0)
    spec = {"size": SIZE, "tune": "head", "dropout": 0.0}
    network = ImageNetwork(spec, {"network": name, **IMAGENET_NORM}, 3)
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
    return torch.randint(0, 256, (8, SIZE, SIZE, 3), dtype=torch.uint8)


# A stem of several layers is one module, and the normalisation after it stays.
@pytest.mark.parametrize(
    ("name", "stay"), [("plain_cnn", 0), ("test_resnet", 1), ("tf_efficientnet_lite0", 0)]
)
def test_folding_changes_layers_but_not_features(name: str, stay: int, photos: Tensor) -> None:
    network = photo_network(name)
    before = {key: value.clone() for key, value in network.state_dict().items()}
    folded = inference.folded(network)

    left = [layer for layer in folded.modules() if isinstance(layer, nn.BatchNorm2d)]
    assert len(left) == stay
    exact = features_of(network, photos, CPU)
    torch.testing.assert_close(features_of(folded, photos, CPU), exact, rtol=1e-3, atol=1e-4)
    for key, value in network.state_dict().items():
        torch.testing.assert_close(value, before[key], rtol=0, atol=0)


@pytest.mark.parametrize("way", ["float32", "bfloat16", "openvino", "openvino-bfloat16"])
def test_every_way_gives_the_networks_features(
    way: str, photos: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    offered: dict[str, Any] = {}

    def fastest(ways: dict[str, Any], what: str, batch: int, rows: int) -> str:
        offered.update(ways)
        return way

    monkeypatch.setattr(inference, "fastest", fastest)
    monkeypatch.setattr(inference, "has_bfloat16", lambda: True)
    network = photo_network("test_resnet")
    name, extract = inference.extractor(network, photos, 10**6, CPU, "auto", "test")
    exact = features_of(network, photos, CPU)

    assert name == way
    assert list(offered) == ["float32", "bfloat16", "openvino", "openvino-bfloat16"]
    # The last batch is smaller than the others.
    found = torch.cat([extract(photos[:5]), extract(photos[5:])])
    assert found.dtype == torch.float32
    inference.agree(found, exact)
    if "bfloat16" not in way:
        torch.testing.assert_close(found, exact, rtol=1e-3, atol=1e-4)
    # What is measured gives a way up whose features are others.
    offered[way]()


def test_asked_for_float32_nothing_is_rounded(
    photos: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    ways: list[str] = []

    def fastest(found: dict[str, Any], *_: Any) -> str:
        ways.extend(found)
        return "float32"

    monkeypatch.setattr(inference, "fastest", fastest)
    network = photo_network("test_resnet")
    _, extract = inference.extractor(network, photos, 10**6, CPU, "32-true", "test")
    assert ways == ["float32", "openvino"]
    torch.testing.assert_close(extract(photos), features_of(network, photos, CPU), rtol=0, atol=0)
    name, extract = inference.extractor(network, photos, 10, CPU, "bf16-mixed", "test")
    assert name == "bf16-mixed"
    assert not torch.equal(extract(photos), features_of(network, photos, CPU))


def test_other_features_are_no_way() -> None:
    x = torch.randn(8, 100)
    inference.agree(x + 0.01 * torch.randn(8, 100), x)
    for wrong in (x + torch.randn(8, 100), torch.full_like(x, torch.nan)):
        with pytest.raises(ValueError, match="mean cosine"):
            inference.agree(wrong, x)


@pytest.mark.parametrize(("faster", "expected"), [(2.0, "bf16-mixed"), (1.2, "32-true")])
def test_training_is_mixed_where_that_is_faster(
    tmp_path: Path, photos: Tensor, monkeypatch: pytest.MonkeyPatch, faster: float, expected: str
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr("src.encoders.common.precision.has_bfloat16", lambda: True)
    real = speed._measured
    rates = iter([100.0, 100.0 * faster])

    def stand_in(setup: Any, batch: int) -> dict[str, float]:
        found = real(setup, batch)
        assert found is not None
        return {"setup_s": 0.0, "rows_per_s": next(rates)}

    monkeypatch.setattr(speed, "_measured", stand_in)
    network = photo_network("plain_cnn").train()
    before = {key: value.clone() for key, value in network.state_dict().items()}
    y = torch.arange(8) % 3
    found = training_precision(network, photos, y, 1000, CPU, "auto", "test")
    assert found == expected
    for key, value in network.state_dict().items():
        torch.testing.assert_close(value, before[key], rtol=0, atol=0)
    assert all(weight.grad is None for weight in network.parameters())
    assert training_precision(network, photos, y, 1000, CPU, "32-true", "test") == "32-true"
