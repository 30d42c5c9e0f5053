"""Linear models on more columns than rows, fitted in the smaller space that the rows span."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cholesky, solve_triangular
from scipy.sparse import csr_matrix

# With more rows their square matrix takes as long as the sparse columns do, and more memory.
LARGEST = 6000
# Added to the diagonal; without it copies among the rows leave no root.
_JITTER = 1e-9
# Columns that a larger share of the rows has are multiplied as a dense matrix.
_DENSE = 0.05
# Enough for fast products, few enough for memory.
_ROWS_AT_ONCE = 1000


def fit_linear(models: Mapping[str, Any], x: csr_matrix, y: NDArray[np.int64]) -> None:
    """Fit scikit-learn's linear models to X [N, V], sparse, with classes y [N].

    With X = L B, where L [N, N] is a root of X X^T and the rows of B are orthonormal, a model whose
    weights are penalised by their length alone has them in the span of B (representer theorem), and
    so have singular vectors: what is fitted to L, times B, is what would be fitted to X.

    Args:
        models: by the name of the attribute that has a weight for each column, [K, V].
    """
    n, width = x.shape
    if n >= width or n > LARGEST:
        for name, model in models.items():
            # Answers multiply by its transpose, which this order spares a copy each time.
            setattr(model, name, np.asfortranarray(getattr(model.fit(x, y), name)))
        return
    root = inner_products(x.astype(np.float64))
    root[np.diag_indices_from(root)] += _JITTER
    # LAPACK overwrites matrices only in column order, so the symmetric one is transposed.
    root = cholesky(root.T, lower=True, overwrite_a=True)
    rows = root.astype(x.dtype, order="C")
    for name, model in models.items():
        weights = getattr(model.fit(rows, y), name)
        # B is X from the left by the inverse of L.
        of_rows = solve_triangular(root, weights.T, lower=True, trans="T")
        setattr(model, name, (x.T @ of_rows).T.astype(weights.dtype, order="F"))
        model.n_features_in_ = width


def inner_products(
    x: csr_matrix, others: slice | NDArray[np.intp] = slice(None)
) -> NDArray[np.float64]:
    """Return the inner products of the rows of X [N, V], sparse, with M others of them, [N, M]."""
    common = np.bincount(x.indices, minlength=x.shape[1]) > _DENSE * x.shape[0]
    dense, sparse = x[:, common].toarray(), x[:, ~common]
    found: NDArray[np.float64] = dense @ dense[others].T
    columns = sparse[others].T.tocsr()
    for first in range(0, len(found), _ROWS_AT_ONCE):
        some = slice(first, first + _ROWS_AT_ONCE)
        found[some] += (sparse[some] @ columns).toarray()
    return found
