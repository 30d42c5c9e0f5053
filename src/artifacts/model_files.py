"""Model files without pickle: skops for scikit-learn, safetensors for networks."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Collection
from pathlib import Path
from typing import Any

from src.core.errors import UserError
from src.core.files import replacing

# Parts of scikit-learn's models, in addition to the types that skops itself trusts.
SKLEARN_TYPES = (
    *(
        f"sklearn.metrics._dist_metrics.{name}Distance{bits}"
        for name in (
            *("BrayCurtis", "Canberra", "Chebyshev", "Dice", "Euclidean", "Hamming", "Jaccard"),
            *("Manhattan", "Minkowski", "RogersTanimoto", "RussellRao", "SokalMichener"),
            "SokalSneath",
        )
        for bits in (32, 64)
    ),
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.neighbors._ball_tree.BallTree",
    "sklearn.neighbors._kd_tree.KDTree",
    "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
    "sklearn.neural_network._stochastic_optimizers.SGDOptimizer",
    "sklearn.tree._tree.Tree",
)


def save_sklearn(model: Any, path: Path) -> None:
    """Write a scikit-learn model with skops; equal models give equal bytes.

    skops names the parts of a model by their addresses in memory and stamps them with the time.
    Here they are numbered in order, without a time. A fitted vectorizer also holds the address of
    its stop words, by which it knows that they are checked; without it they are checked again.
    """
    # Imported late here and below: skops imports PyTorch, which takes some two seconds.
    import skops.io

    numbers: dict[str, str] = {}

    def number(address: object) -> str:
        return numbers.setdefault(str(address), str(len(numbers)))

    def without_addresses(node: dict[str, Any]) -> dict[str, Any]:
        if isinstance(node.get("__id__"), int):
            node["__id__"] = int(number(node["__id__"]))
        if isinstance(node.get("file"), str):
            node["file"] = re.sub(r"^\d+", lambda address: number(address[0]), node["file"])
        if "_stop_words_id" in node:
            node["_stop_words_id"]["content"] = "0"
        return node

    with zipfile.ZipFile(io.BytesIO(skops.io.dumps(model))) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    schema = json.loads(parts.pop("schema.json"), object_hook=without_addresses)
    with (
        replacing(path) as temporary,
        zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive,
    ):
        archive.writestr(zipfile.ZipInfo("schema.json"), json.dumps(schema))
        for name, content in parts.items():
            address, dot, ending = name.partition(".")
            archive.writestr(zipfile.ZipInfo(number(address) + dot + ending), content)


def require_known_types(path: Path, trusted: Collection[type] = ()) -> None:
    """Check that a skops file holds only scikit-learn's types and `trusted`.

    Args:
        trusted: classes of this project that the file may hold.

    Raises:
        UserError: it holds other types, which are named, or is not a skops file.
    """
    import skops.io

    try:
        found = set(skops.io.get_untrusted_types(file=path))
    except (zipfile.BadZipFile, KeyError, ValueError) as error:
        raise UserError(
            f"{path} is not a whole skops file; run the stage that wrote it again"
        ) from error
    unknown = sorted(found - set(_known_names(trusted)))
    if unknown:
        raise UserError(
            f"{path} holds types that are not trusted: {', '.join(unknown)}; expected those of "
            "this project's models: load only files that it wrote"
        )


def load_sklearn(path: Path, trusted: Collection[type] = ()) -> Any:
    """Read a model that `save_sklearn` wrote; arguments and errors as `require_known_types`."""
    import skops.io

    require_known_types(path, trusted)
    return skops.io.load(path, trusted=_known_names(trusted))


def _known_names(trusted: Collection[type]) -> list[str]:
    return [*SKLEARN_TYPES, *(f"{one.__module__}.{one.__qualname__}" for one in trusted)]
