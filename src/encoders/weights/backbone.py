"""A timm network without its classifier: its weights, and how its photos are normalised."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor


def save_backbone(network: str, state: dict[str, Tensor], out: Path) -> None:
    """Write the weights of a network without its classifier to `out/model.safetensors`.

    Args:
        network: timm's name.
        state: weights of the whole network, by timm's names.

    Raises:
        ValueError: a tensor is missing in `state` or has another shape.
    """
    import timm
    from safetensors.torch import save_file

    expected = timm.create_model(network, num_classes=0).state_dict()
    for name, tensor in expected.items():
        if name not in state or state[name].shape != tensor.shape:
            found = tuple(state[name].shape) if name in state else "nothing"
            raise ValueError(f"{name}: expected shape {tuple(tensor.shape)}, found {found}")
    # Cloned, because the format refuses tensors that share memory.
    kept = {name: state[name].contiguous().clone() for name in expected}
    save_file(kept, out / "model.safetensors")


def normalisation(network: str) -> dict[str, list[float]]:
    """Return `mean` and `std` by which photos were normalised when the network was trained."""
    import timm

    config: Any = timm.get_pretrained_cfg(network)
    return {"mean": list(config.mean), "std": list(config.std)}
