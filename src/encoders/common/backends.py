"""What computes frozen features: PyTorch or OpenVINO, in float32 or bfloat16."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from src.core.errors import UserError
from src.encoders.common.network_classifier import Batch, features_of

Backend = Literal["torch", "torch-bfloat16", "openvino", "openvino-bfloat16"]
# Turns a batch of photos or tokens into features [B, D], float32 on the CPU.
Extract = Callable[[Batch], Tensor]
# Listings on which a backend is compared with float32; with fewer, the features' spread is uncertain.
COMPARED = 256
# Less than what saving the photos again as JPEG of quality 95 changes: 0.28 for EfficientNet-Lite0,
# for which bfloat16 makes 0.08 and OpenVINO in float32 4e-6.
LARGEST_INEXACTNESS = 0.2


def backend_for(backend: Backend, batch: Batch) -> Backend:
    """Return the backend for batches of this kind: texts never use OpenVINO.

    PyTorch already runs text networks at the speed that the processor allows.
    """
    if isinstance(batch, Tensor):
        return backend
    return "torch-bfloat16" if backend.endswith("bfloat16") else "torch"


def checked_backend(
    backend: Backend, network: nn.Module, example: Batch, device: torch.device
) -> Extract:
    """Return what computes features, after comparing it with float32 on some listings.

    Args:
        network: on the device, in evaluation mode.
        example: the listings to compare on, COMPARED of them if there are as many.

    Raises:
        UserError: OpenVINO is not installed or would have to use a GPU, or the features differ
            from float32 by more than LARGEST_INEXACTNESS.
    """
    backend = backend_for(backend, example)
    try:
        extract = make_backend(backend, network, example, device)
    except ImportError as error:
        raise UserError(
            f"trainer.features is {backend}, but openvino is not installed ({error}); run "
            "`pip install openvino`, or set trainer.features to torch"
        ) from error
    if backend != "torch":
        found = inexactness(extract(example), features_of(network, example, device))
        if not found <= LARGEST_INEXACTNESS:
            raise UserError(
                f"trainer.features is {backend}, whose features differ from float32 by "
                f"{found:.2g} of their spread on the first listings; expected at most "
                f"{LARGEST_INEXACTNESS}: set trainer.features to torch"
            )
    return extract


def make_backend(
    backend: Backend, network: nn.Module, example: Batch, device: torch.device
) -> Extract:
    """Return what computes features by a backend, without comparing it.

    Raises:
        UserError: OpenVINO would have to use a GPU.
        ImportError: OpenVINO is not installed.
    """
    if backend == "torch":
        return partial(features_of, network, device=device)
    if backend == "torch-bfloat16":
        return partial(features_of, folded(network), device=device, dtype=torch.bfloat16)
    if device.type != "cpu":
        raise UserError(
            f"trainer.features is {backend}, which runs on CPUs alone, and this machine has a GPU; "
            "set trainer.features to torch or torch-bfloat16, or trainer.accelerator to cpu"
        )
    return _openvino(network, example, "bf16" if backend.endswith("bfloat16") else "f32")


def inexactness(found: Tensor, exact: Tensor) -> float:
    """Return how much features [N, D] differ from the exact ones, relative to their spread.

    Heads standardise features, so they are standardised here as well: the result is the root mean
    square of the differences over that of the exact features. Features that hardly vary among
    these listings are left out: how heads scale them depends on other listings.
    """
    mean, std = exact.mean(0), exact.std(0)
    varying = std > 1e-3 * std.median()
    difference = ((found - exact) / std)[:, varying]
    spread = ((exact - mean) / std)[:, varying]
    return float(difference.norm() / spread.norm())


def folded(network: nn.Module) -> nn.Module:
    """Return a copy for scoring whose convolutions hold the normalisation that follows them."""
    network = copy.deepcopy(network).eval()
    for parent in network.modules():
        for (name, layer), (after, norm) in pairwise(list(parent.named_children())):
            if isinstance(layer, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                setattr(parent, name, fuse_conv_bn_eval(layer, norm))
                # timm's normalisation includes the activation.
                setattr(parent, after, getattr(norm, "act", nn.Identity()))
    return network


class _Features(nn.Module):
    """A network whose forward returns features, as a converter needs it."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, photos: Tensor) -> Tensor:
        features: Tensor = self.network.features(photos)  # type: ignore[operator]
        return features


def _openvino(network: nn.Module, example: Batch, precision: str) -> Extract:
    # `openvino.convert_model` does the same, but first reports its use over the network.
    import openvino
    from openvino.frontend import FrontEndManager
    from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder

    assert isinstance(example, Tensor)
    frontend = FrontEndManager().load_by_framework("pytorch")
    decoder = TorchScriptPythonDecoder(_Features(network), example_input=(example[:16],))
    model = frontend.convert(frontend.load(decoder))
    model.reshape([-1, *example.shape[1:]])
    settings: dict[str, Any] = {
        "INFERENCE_PRECISION_HINT": precision,
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_NUM_THREADS": torch.get_num_threads(),
    }
    compiled = openvino.Core().compile_model(model, "CPU", settings)
    return lambda photos: torch.from_numpy(compiled(photos.numpy())[0].copy())  # type: ignore[union-attr]
