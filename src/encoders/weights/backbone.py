"""A timm network without its classifier: its weights, and how its photos are normalised."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor


def save_backbone(network: str, full: dict[str, Tensor], out: Path) -> None:
    """Write what `network` has without its classifier to `out/model.safetensors`.

    Raises:
        ValueError: a tensor is missing in `full` or has another shape.
    """
    import timm
    from safetensors.torch import save_file

    wanted = timm.create_model(network, num_classes=0).state_dict()
    for name, tensor in wanted.items():
        if name not in full or full[name].shape != tensor.shape:
            found = tuple(full[name].shape) if name in full else "nothing"
            raise ValueError(f"{name}: expected {tuple(tensor.shape)}, found {found}")
    # Cloned: the format refuses tensors that share memory.
    kept = {name: full[name].contiguous().clone() for name in wanted}
    save_file(kept, out / "model.safetensors")


def normalisation(network: str) -> dict[str, list[float]]:
    """Return the mean and std of the photos that the network's weights were trained on."""
    import timm

    config: Any = timm.get_pretrained_cfg(network)
    return {"mean": list(config.mean), "std": list(config.std)}
