"""Steps of training a photo network, against timm's network in float32, NCHW."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.bounds import operations, sgemm, share
from benchmarks.compare import compare
from benchmarks.lines import Line, line

SIZE, BATCH, CLASSES = 224, 16, 17
# The precision that is faster where a processor has bfloat16 units, and the target there.
NETWORKS = {"efficientnet_b0": ("32-true", 1.3), "resnet50": ("bf16-mixed", 2.5)}


def run(quick: bool) -> list[Line]:
    lines = []
    for network, (precision, target) in list(NETWORKS.items())[: 1 if quick else None]:
        compared = compare(
            (ours, {"network": network, "precision": precision}),
            (plain, {"network": network}),
            rounds=2 if quick else 15,
        )
        note = f"{BATCH / compared.ours_s:.1f} photos/s in {precision}, channels last"
        name = f"training step: {network}, {SIZE} px, {BATCH} photos"
        # Backwards takes twice as many.
        least = 3 * operations(_network(network), _batch()[0]) / sgemm()
        bound = share("sgemm in float32", least, compared.ours_s)
        lines.append(line(name, compared, at_least=target, note=note, bound=bound))
    return lines


def ours(network: str, precision: str) -> Callable[[], None]:
    """Set up a step of our network, from uint8 photos."""
    import torch

    torch.manual_seed(0)
    model = _network(network).train()
    photos, y = _batch()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, fused=True)

    def step() -> None:
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16-mixed"):
            loss = torch.nn.functional.cross_entropy(model(photos), y)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()

    return step


def _network(network: str) -> Any:
    from src.core.params import all_params
    from src.encoders.image.networks import ImageNetwork
    from src.encoders.weights.fetch import IMAGENET_NORM

    changes = {"pixels": SIZE, "dropout": 0.0}
    settings: Any = all_params().image_models["resnet50"].model_copy(update=changes)
    return ImageNetwork(settings, {"network": network, **IMAGENET_NORM}, CLASSES)


def plain(network: str) -> Callable[[], None]:
    """Set up the usual step, on photos that are already scaled floats."""
    import timm
    import torch

    torch.manual_seed(0)
    model = timm.create_model(network, num_classes=CLASSES).train()
    photos, y = _batch()
    x = ((photos.permute(0, 3, 1, 2).float() / 255 - 0.45) / 0.22).contiguous()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)

    def step() -> None:
        loss = torch.nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()

    return step


def _batch():  # type: ignore[no-untyped-def]
    import torch

    rng = np.random.default_rng(0)
    photos = rng.integers(0, 256, (BATCH, SIZE, SIZE, 3), dtype=np.uint8)
    return torch.from_numpy(photos), torch.from_numpy(rng.integers(0, CLASSES, BATCH))
