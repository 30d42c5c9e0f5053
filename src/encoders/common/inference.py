"""Ways to compute a network's features: as it is, folded, in bfloat16, or by OpenVINO."""

from __future__ import annotations

import copy
import sys
import warnings
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from src.encoders.common.score import features_of
from src.encoders.common.speed import Setup, fastest, has_bfloat16

# Turns a batch of photos or tokens into features [B, D], float32 on the CPU.
Extract = Callable[[Any], Tensor]
# Least mean cosine between features by another way and by the network as it is.
LEAST_COSINE = 0.99
# Rows that the ways are tried on.
TRIED = 16
# Converting a network takes seconds; with fewer rows that is not even tried.
WORTH_CONVERTING = 5000


def extractor(
    network: nn.Module, example: Any, rows: int, device: torch.device, precision: str, what: str
) -> tuple[str, Extract]:
    """Return the fastest way to features that `precision` allows, by name, and what computes them.

    Args:
        network: on the device, in eval mode.
        example: a batch of the first rows, TRIED of them if there are as many.
        rows: how many rows are to be computed.
        precision: auto; 32-true keeps to float32; bf16-mixed or 16-mixed to what it says.
        what: the network and its input's size, under which the choice is remembered.
    """
    exact = partial(features_of, network, device=device)
    if precision in ("bf16-mixed", "16-mixed"):
        kind = torch.bfloat16 if precision == "bf16-mixed" else torch.float16
        return precision, partial(exact, kind=kind)
    ways: dict[str, Callable[[], Extract]] = {"float32": lambda: exact}
    bfloat16 = precision == "auto" and (device.type == "cuda" or has_bfloat16())
    if bfloat16:
        ways["bfloat16"] = lambda: partial(
            features_of, folded(network), device=device, kind=torch.bfloat16
        )
    convertible = isinstance(example, Tensor) and device.type == "cpu"
    if convertible and rows >= WORTH_CONVERTING and find_spec("openvino"):
        ways["openvino"] = lambda: _openvino(network, example, "f32")
        if bfloat16:
            ways["openvino-bfloat16"] = lambda: _openvino(network, example, "bf16")

    def tried(way: Callable[[], Extract]) -> Setup:
        def setup() -> Callable[[], Tensor]:
            extract = way()
            agree(extract(example), exact(example))
            return lambda: extract(example)

        return setup

    tries = {name: tried(way) for name, way in ways.items()}
    name = fastest(tries, f"features {what}", min(TRIED, rows), rows)
    return name, ways[name]()


def agree(found: Tensor, exact: Tensor) -> None:
    """Raise ValueError where features [B, D] are not the exact ones up to rounding."""
    cosine = float(nn.functional.cosine_similarity(found, exact).mean())
    if not cosine >= LEAST_COSINE:
        raise ValueError(f"mean cosine {cosine:.4f}, expected at least {LEAST_COSINE}")


def folded(network: nn.Module) -> nn.Module:
    """Return a copy for scoring in which convolutions hold the normalisation that follows them."""
    network = copy.deepcopy(network).eval()
    for parent in network.modules():
        for (name, layer), (after, norm) in pairwise(list(parent.named_children())):
            if isinstance(layer, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                setattr(parent, name, fuse_conv_bn_eval(layer, norm))
                # timm's normalisation has the activation inside.
                setattr(parent, after, getattr(norm, "act", nn.Identity()))
    return network


class _Features(nn.Module):
    """A network whose forward gives features, as a converter wants it."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, photos: Tensor) -> Tensor:
        features: Tensor = self.network.features(photos)  # type: ignore[operator]
        return features


def _openvino(network: nn.Module, example: Tensor, precision: str) -> Extract:
    # Its converter would report its use over the network; without this module it stays silent.
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    import openvino

    shape = [-1, *example.shape[1:]]
    with warnings.catch_warnings():
        # The converter traces by what PyTorch calls deprecated.
        warnings.simplefilter("ignore")
        converted = openvino.convert_model(_Features(network), example_input=example, input=shape)
    settings = {"INFERENCE_PRECISION_HINT": precision, "PERFORMANCE_HINT": "LATENCY"}
    settings["INFERENCE_NUM_THREADS"] = str(torch.get_num_threads())
    compiled = openvino.Core().compile_model(converted, "CPU", settings)
    return lambda photos: torch.from_numpy(compiled(photos.numpy())[0].copy())
