"""Reading fitted models back: safetensors and skops alone, and no type but the known ones."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from src.errors import UserError
from src.files import read_json
from src.fusion.fused import FusedClassifier
from src.models.skops_io import skops_io

if TYPE_CHECKING:
    from torch import nn

# What the models are made of, beside the types that skops itself trusts.
KNOWN_TYPES = (
    "sklearn.metrics._dist_metrics.EuclideanDistance32",
    "sklearn.metrics._dist_metrics.EuclideanDistance64",
    "sklearn.neighbors._ball_tree.BallTree",
    "sklearn.neighbors._kd_tree.KDTree",
    "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
    "sklearn.neural_network._stochastic_optimizers.SGDOptimizer",
    "sklearn.tree._tree.Tree",
    "src.fusion.conditional_logit.ConditionalLogit",
    "src.fusion.heads.BalancedMLP",
    "src.fusion.heads.Neighbours",
)


def require_known_types(path: Path) -> None:
    """Raise UserError, naming them, if a skops file holds types that none of our models has."""
    try:
        found = set(skops_io().get_untrusted_types(file=path))
    except (zipfile.BadZipFile, KeyError, ValueError) as error:
        raise UserError(f"{path} is broken: it is no skops file") from error
    unknown = sorted(found - set(KNOWN_TYPES))
    if unknown:
        raise UserError(
            f"{path} holds types that are not trusted: {', '.join(unknown)}; load models that this "
            "project wrote, or add the types to KNOWN_TYPES in src/models/load.py"
        )


def load_sklearn(path: Path) -> Any:
    """Read a scikit-learn model that `save_sklearn` wrote; nothing but known types is built."""
    require_known_types(path)
    return skops_io().load(path, trusted=list(KNOWN_TYPES))


def load_fused(folder: Path) -> FusedClassifier:
    """Read a fused model that `save_fused` wrote."""
    about = read_json(folder / "model.json")
    model = FusedClassifier(None, len(about["classes"]))
    model.prior = np.array(about["prior"])
    model.heads = {
        tuple(name.split("+")): head for name, head in load_sklearn(folder / "model.skops").items()
    }
    return model


def load_weights(network: nn.Module, path: Path) -> None:
    """Fill a network from a safetensors file; raises UserError where they do not fit."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        network.load_state_dict(load_file(path))
    except (SafetensorError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"{path} does not hold this network's weights: {reason}") from error
    network.eval()
