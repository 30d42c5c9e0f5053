"""Files of scikit-learn's models, without pickle: JSON and arrays in an .npz file.

skops does the same, but looks through all of scikit-learn when it is imported, and so imports
PyTorch, too: two seconds for each stage and for each prediction.
"""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Collection, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from src.artifacts.sklearn_parts import ModelParts, names_in, put_together
from src.core.errors import UserError
from src.core.files import write_npz

# What models of this project consist of. Trees with wrong numbers can still end the process, so a
# model is as trusted as who wrote it.
_KNOWN = (
    *("numpy.float32", "numpy.float64", "numpy.int64"),
    *("sklearn._loss._loss.CyHalfBinomialLoss", "sklearn._loss._loss.CyHalfMultinomialLoss"),
    "sklearn._loss._loss.__pyx_unpickle_CyHalfMultinomialLoss",
    *("sklearn._loss.link.Interval", "sklearn._loss.link.LogitLink"),
    *("sklearn._loss.link.HalfLogitLink", "sklearn._loss.link.MultinomialLogit"),
    *("sklearn._loss.loss.HalfBinomialLoss", "sklearn._loss.loss.HalfMultinomialLoss"),
    "sklearn.decomposition._truncated_svd.TruncatedSVD",
    "sklearn.ensemble._forest.RandomForestClassifier",
    "sklearn.ensemble._hist_gradient_boosting.binning._BinMapper",
    "sklearn.ensemble._hist_gradient_boosting.gradient_boosting.HistGradientBoostingClassifier",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.feature_extraction.text.TfidfTransformer",
    "sklearn.feature_extraction.text.TfidfVectorizer",
    "sklearn.linear_model._logistic.LogisticRegression",
    *(
        f"sklearn.metrics._dist_metrics.{name}Distance{bits}"
        for name in (
            *("BrayCurtis", "Canberra", "Chebyshev", "Dice", "Euclidean", "Hamming", "Jaccard"),
            *("Manhattan", "Minkowski", "RogersTanimoto", "RussellRao", "SokalMichener"),
            "SokalSneath",
        )
        for bits in (32, 64)
    ),
    "sklearn.neighbors._ball_tree.BallTree",
    "sklearn.neighbors._classification.KNeighborsClassifier",
    "sklearn.neighbors._kd_tree.KDTree",
    "sklearn.neural_network._multilayer_perceptron.MLPClassifier",
    "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
    "sklearn.neural_network._stochastic_optimizers.SGDOptimizer",
    "sklearn.pipeline.Pipeline",
    *("sklearn.preprocessing._label.LabelBinarizer", "sklearn.preprocessing._label.LabelEncoder"),
    *("sklearn.tree._classes.DecisionTreeClassifier", "sklearn.tree._tree.Tree"),
)
# What reading a file that is broken, or none of these files, may end in.
_UNREADABLE = (
    *(AttributeError, EOFError, LookupError, RecursionError, TypeError, ValueError),
    *(zipfile.BadZipFile, zlib.error),
)
# The array that holds the JSON, in UTF-8.
_TREE = "model.json"


def save_sklearn(model: Any, path: Path) -> None:
    """Write a scikit-learn model, or dictionaries of some; equal models give equal bytes.

    Raises:
        ValueError: it holds something that `ModelParts` cannot take apart.
    """
    parts = ModelParts()
    text = json.dumps(parts.of(model))
    arrays = {str(number): array for number, array in enumerate(parts.arrays)}
    write_npz(path, {_TREE: np.frombuffer(text.encode(), np.uint8), **arrays})


def require_known_types(path: Path, trusted: Collection[str] = ()) -> None:
    """Check that a file of `save_sklearn` names only parts of our models and `trusted`.

    Args:
        trusted: classes of this project that the file may name, with their modules.

    Raises:
        UserError: it names others, which are said, or it is no such file.
    """
    _read(path, trusted)


def load_sklearn(path: Path, trusted: Collection[str] = ()) -> Any:
    """Read a model that `save_sklearn` wrote; arguments and errors as `require_known_types`."""
    tree, arrays = _read(path, trusted)
    named = {name: _found(name) for name in set(names_in(tree))}
    try:
        model = put_together(tree, arrays, named)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise _broken(path) from error
    for vectors in _vectorizers(model):
        # Else a text would name a file to be read.
        if vectors.input != "content":
            raise _broken(path)
    return model


def _read(path: Path, trusted: Collection[str]) -> tuple[Any, list[NDArray[Any]]]:
    try:
        with np.load(path, allow_pickle=False) as file:
            tree = json.loads(file[_TREE].tobytes())
            arrays = [file[str(number)] for number in range(len(file.files) - 1)]
        names = set(names_in(tree))
    except _UNREADABLE as error:
        raise _broken(path) from error
    unknown = sorted(map(str, names - {*_KNOWN, *trusted}))
    if unknown:
        raise UserError(
            f"{path} holds types that are not trusted: {', '.join(unknown)}; expected those of "
            "this project's models: load only files that it wrote"
        )
    return tree, arrays


def _broken(path: Path) -> UserError:
    return UserError(f"{path} is not a whole file of a model; run the stage that wrote it again")


def _vectorizers(model: Any) -> Iterator[Any]:
    """Yield the fitted vectorizers in a model, or in a dictionary or pipeline of models."""
    if isinstance(model, dict):
        for one in model.values():
            yield from _vectorizers(one)
    for _, one in getattr(model, "steps", ()):
        yield from _vectorizers(one)
    if hasattr(model, "input") and hasattr(model, "vocabulary_"):
        yield model


def _found(name: str) -> Any:
    module, _, own_name = name.rpartition(".")
    return getattr(import_module(module), own_name)
