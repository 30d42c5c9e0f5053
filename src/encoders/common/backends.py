"""What computes frozen features: PyTorch or OpenVINO, in float32 or bfloat16."""

from __future__ import annotations

import copy
import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import pairwise
from typing import Any, get_args

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from src.core.errors import UserError
from src.core.schema import Trainer
from src.encoders.common.network_classifier import Batch, features_of

# What `trainer.features` may be.
BACKENDS = get_args(Trainer.model_fields["features"].annotation)
# Turns a batch of photos or tokens into features [B, D], float32 on the CPU.
Extract = Callable[[Batch], Tensor]
# Listings on which a backend is compared with float32; of fewer, the spread would be uncertain.
COMPARED = 256
# Less than what saving the photos again as JPEG of quality 95 changes: 0.28 for EfficientNet-Lite0,
# for which bfloat16 makes 0.08 and OpenVINO in float32 4e-6.
LARGEST_INEXACTNESS = 0.2


def checked_backend(
    backend: str, network: nn.Module, examples: Sequence[Batch], device: torch.device
) -> Extract:
    """Return what computes features, after comparing it with float32 on some listings.

    Args:
        backend: one of BACKENDS; texts use PyTorch in place of OpenVINO, which gains them nothing.
        network: on the device, in evaluation mode.
        examples: batches of the listings to compare on, COMPARED of them if there are as many.

    Raises:
        UserError: OpenVINO is not installed or would have to use a GPU, or the features differ
            from float32 by more than LARGEST_INEXACTNESS.
    """
    try:
        extract = make_backend(backend, network, examples[0], device)
    except ImportError as error:
        raise UserError(
            f"trainer.features is {backend}, but openvino cannot be imported ({error}); run "
            "`pip install openvino`, or set trainer.features to torch"
        ) from error
    if backend == "torch":
        return extract
    exact = torch.cat([features_of(network, batch, device) for batch in examples])
    found = inexactness(torch.cat([extract(batch) for batch in examples]), exact)
    if not found <= LARGEST_INEXACTNESS:
        raise UserError(
            f"trainer.features is {backend}, whose features differ from float32 by {found:.2g} "
            f"of their spread; expected at most {LARGEST_INEXACTNESS}: set trainer.features to "
            "torch"
        )
    return extract


def make_backend(backend: str, network: nn.Module, example: Batch, device: torch.device) -> Extract:
    """Return what computes features, without comparing it.

    Args:
        backend, network, device: as for `checked_backend`.
        example: a batch of any size.

    Raises:
        UserError: OpenVINO would have to use a GPU.
        ImportError: OpenVINO is not installed.
    """
    bfloat16 = backend.endswith("-bfloat16")
    if backend.startswith("openvino") and isinstance(example, Tensor):
        if device.type != "cpu":
            raise UserError(
                f"trainer.features is {backend}, which computes photos on CPUs only, and a GPU is "
                "in use; set trainer.features to torch or torch-bfloat16, or trainer.accelerator "
                "to cpu"
            )
        return _openvino(network, example, "bf16" if bfloat16 else "f32")
    if bfloat16:
        return partial(features_of, folded(network), device=device, dtype=torch.bfloat16)
    return partial(features_of, network, device=device)


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


def _openvino(network: nn.Module, example: Tensor, precision: str) -> Extract:
    with _no_telemetry(), warnings.catch_warnings():
        # The converter traces the network, which PyTorch calls deprecated.
        warnings.simplefilter("ignore")
        import openvino

        shape = [-1, *example.shape[1:]]
        model = openvino.convert_model(_Features(network), example_input=example[:16], input=shape)
    settings: dict[str, Any] = {
        "INFERENCE_PRECISION_HINT": precision,
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_NUM_THREADS": torch.get_num_threads(),
    }
    compiled = openvino.Core().compile_model(model, "CPU", settings)
    return lambda photos: torch.from_numpy(compiled(photos.numpy())[0].copy())  # type: ignore[union-attr]


@contextmanager
def _no_telemetry() -> Iterator[None]:
    """Have OpenVINO do as in CI: else its import and converter report to Intel, and write files.

    Its own switch, `opt_in_out --opt_out`, would change the user's home folder.
    """
    before = os.environ.get("CI")
    os.environ["CI"] = "true"
    try:
        yield
    finally:
        if before is None:
            del os.environ["CI"]
        else:
            os.environ["CI"] = before
