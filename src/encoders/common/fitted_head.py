"""A fitted head in numpy: what `src.encoders.common.heads` computes, without PyTorch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import load_file, save_file

from src.core.errors import UserError

FITTED_HEAD = "head.safetensors"
# Where a standardised feature is cut off: one that was still in training may be huge later.
CLIP = 5.0
# What the normalisation of a linear head adds to a variance, as PyTorch does by default.
_ADDED = 1e-5


class FittedHead:
    """Standardise and clip features, then project them, or compare them with landmarks.

    Args:
        arrays: mean and std [D]; weight [C, D] of a linear head, or landmarks [M, D], coef [M, C]
            and gamma of one with a kernel; bias [C].
    """

    def __init__(self, arrays: dict[str, NDArray[Any]]) -> None:
        self.arrays = {name: array.astype(np.float32) for name, array in arrays.items()}

    @classmethod
    def load(cls, folder: Path) -> FittedHead:
        """Read what `save_head` wrote; raises UserError if it is broken."""
        try:
            return cls(load_file(folder / FITTED_HEAD))
        except SafetensorError as error:
            raise UserError(
                f"{folder / FITTED_HEAD} does not hold a head ({error}); make the bundle again "
                "with `dvc repro bundle`"
            ) from error

    def logits(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """Turn features [N, D] into logits [N, C]."""
        of = self.arrays
        x = ((x - of["mean"]) / of["std"]).clip(-CLIP, CLIP)
        if "weight" in of:
            return np.asarray(x @ of["weight"].T + of["bias"], np.float32)
        x /= np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-12)
        kernel = np.exp((x @ of["landmarks"].T - 1) * of["gamma"])
        return np.asarray(kernel @ of["coef"] + of["bias"], np.float32)


def save_head(model: Path, gamma: float | None, out: Path) -> None:
    """Write the head of a network's file as FittedHead reads it.

    Args:
        model: the safetensors file with the whole network.
        gamma: of its kernel; None for a linear head.
        out: the folder to write into.

    Raises:
        UserError: the file is broken.
    """
    try:
        with safe_open(model, "numpy") as file:
            names = [name for name in file.keys() if name.startswith("head.")]  # noqa: SIM118
            found = {name.removeprefix("head."): file.get_tensor(name) for name in names}
    except SafetensorError as error:
        raise UserError(
            f"{model} is broken ({error}); run the stage that wrote it again"
        ) from error
    if gamma is None:
        variance = found["0.running_var"].astype(np.float32)
        linear = {"weight": found["3.weight"], "bias": found["3.bias"]}
        found = {"mean": found["0.running_mean"], "std": np.sqrt(variance + _ADDED), **linear}
    else:
        found["gamma"] = np.array([gamma], np.float32)
    save_file(found, out / FITTED_HEAD)
