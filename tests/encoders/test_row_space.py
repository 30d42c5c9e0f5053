"""Linear models in the space of the rows: the same as in that of the columns."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix, random_array, vstack
from sklearn.decomposition import TruncatedSVD
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import normalize

from src.encoders.text import row_space
from src.encoders.text.row_space import fit_linear, inner_products

TIGHT: dict[str, Any] = {"C": 10.0, "class_weight": "balanced", "tol": 1e-10, "max_iter": 100_000}


def made(n: int, width: int, seed: int, copies: int = 0) -> csr_matrix:
    """Return rows of length 1 [N, V], the last of them copies of the first."""
    rng = np.random.default_rng(seed)
    x = csr_matrix(random_array((n - copies, width), density=0.2, rng=rng))
    # A column that all have, as words of a language are.
    x = vstack([x, x[:copies]]).tolil()
    x[:, 0] = 0.5
    return normalize(x.tocsr())


def fitted(x: csr_matrix, y: Any, given_settings: dict[str, Any]) -> tuple[Any, Any]:
    classifier = LogisticRegression(**given_settings)
    reduction = TruncatedSVD(3, n_iter=30, random_state=7)
    fit_linear({"coef_": classifier, "components_": reduction}, x, y)
    return classifier, reduction


@settings(deadline=None, max_examples=40)
@given(
    st.integers(6, 30),
    st.integers(5, 90),
    st.integers(2, 4),
    st.sampled_from([0, 2]),
    st.integers(0, 2**32 - 1),
)
def test_probabilities_and_singular_vectors_are_those_of_the_columns(
    n: int, width: int, num_classes: int, copies: int, seed: int
) -> None:
    x, y = made(n, width, seed, copies), np.arange(n) % num_classes
    classifier, reduction = fitted(x, y, TIGHT)
    asked = vstack([x, made(20, width, seed + 1)])
    plain = LogisticRegression(**TIGHT).fit(x, y)
    assert (classifier.n_features_in_, reduction.n_features_in_) == (width, width)
    np.testing.assert_allclose(
        classifier.predict_proba(asked), plain.predict_proba(asked), atol=1e-6
    )
    exact = np.linalg.svd(x.toarray())[1][:3]
    np.testing.assert_allclose(reduction.singular_values_, exact, rtol=1e-3)
    lengths = np.linalg.norm(reduction.components_, axis=1)
    np.testing.assert_allclose(lengths, 1, atol=1e-4)
    np.testing.assert_allclose(
        np.linalg.norm(reduction.transform(x), axis=0), reduction.singular_values_, rtol=1e-4
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_weights_have_the_precision_of_the_matrix(dtype: Any) -> None:
    x = made(12, 40, 1).astype(dtype)
    classifier, reduction = fitted(x, np.arange(12) % 3, {})
    assert classifier.coef_.dtype == reduction.components_.dtype == dtype
    assert classifier.coef_.shape == (3, 40)


@pytest.mark.parametrize(("n", "width", "largest"), [(30, 20, 100), (30, 60, 20)])
def test_the_columns_are_used_where_they_are_fewer_or_the_rows_too_many(
    n: int, width: int, largest: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(row_space, "LARGEST", largest)
    monkeypatch.setattr(row_space, "inner_products", None)
    x, y = made(n, width, 3), np.arange(n) % 3
    np.testing.assert_array_equal(fitted(x, y, {})[0].coef_, LogisticRegression().fit(x, y).coef_)


@pytest.mark.parametrize("others", [slice(None), np.array([1, 4, 5])])
def test_inner_products_are_the_product_of_the_rows(
    others: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(row_space, "_ROWS_AT_ONCE", 4)
    x = made(11, 50, 5)
    dense = x.toarray()
    np.testing.assert_allclose(inner_products(x, others), dense @ dense[others].T, atol=1e-12)
