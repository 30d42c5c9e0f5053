"""Model files without pickle: skops for scikit-learn, safetensors for networks."""

from __future__ import annotations

import io
import json
import re
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from src.artifacts.skops_io import skops_io
from src.core.errors import UserError
from src.core.files import replacing

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


def save_sklearn(model: Any, path: Path) -> None:
    """Write a scikit-learn model with skops so that equal models give equal bytes.

    skops names parts by their address in memory and stamps them with the time of day; here they
    are numbered in order and stamped with nothing. A vectorizer, too, keeps an address: that of
    its stop words, by which it saves checking them twice; without it they are checked again.
    """
    with zipfile.ZipFile(io.BytesIO(skops_io().dumps(model))) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    schema = parts.pop("schema.json").decode()
    schema = re.sub(r'("_stop_words_id": {[^{}]*"content": )"\d+"', r'\1"0"', schema)
    numbers: dict[str, str] = {}
    for address in re.findall(r'"__id__": (\d+)', schema):
        numbers.setdefault(address, str(len(numbers)))
    schema = re.sub(
        r'("__id__": |"file": ")(\d+)',
        lambda found: found[1] + numbers.setdefault(found[2], str(len(numbers))),
        schema,
    )
    with replacing(path) as beside, zipfile.ZipFile(beside, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("schema.json"), json.dumps(json.loads(schema)))
        for name, content in parts.items():
            address, dot, ending = name.partition(".")
            archive.writestr(zipfile.ZipInfo(numbers[address] + dot + ending), content)


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
            "project wrote, or add the types to KNOWN_TYPES in src/artifacts/load.py"
        )


def load_sklearn(path: Path) -> Any:
    """Read a scikit-learn model that `save_sklearn` wrote; nothing but known types is built."""
    require_known_types(path)
    return skops_io().load(path, trusted=list(KNOWN_TYPES))


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
