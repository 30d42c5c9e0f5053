"""The sections `fusion` and `leaky`: heads over the outputs of the two chosen models."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from src.core.schema.base import Inputs, KeyFault, Section

# The settings of each head that a user may give: scikit-learn's, without those that the code sets
# and those that name columns, which differ from subset to subset.
_SETTINGS = {
    "nn": """
        activation alpha batch_size beta_1 beta_2 class_weight early_stopping epsilon
        hidden_layer_sizes learning_rate learning_rate_init max_fun max_iter momentum
        n_iter_no_change nesterovs_momentum power_t shuffle solver tol validation_fraction verbose
        warm_start""",
    "logreg": """
        C class_weight dual fit_intercept intercept_scaling l1_ratio max_iter n_jobs penalty
        random_state solver tol verbose warm_start""",
    "knn": "algorithm leaf_size metric metric_params n_jobs n_neighbors p weights",
    "random_forest": """
        bootstrap ccp_alpha class_weight criterion max_depth max_features max_leaf_nodes
        max_samples min_impurity_decrease min_samples_leaf min_samples_split
        min_weight_fraction_leaf monotonic_cst n_estimators oob_score verbose warm_start""",
    "stack": "class_weight penalty",
    "gbdt": """
        class_weight l2_regularization learning_rate loss max_bins max_depth max_features max_iter
        max_leaf_nodes min_samples_leaf verbose warm_start""",
}
# No head wants more of anything: sizes and counts above it would never end.
_LARGEST = 10_000_000
SETTINGS = {head: tuple(names.split()) for head, names in _SETTINGS.items()}


class FusedModel(Section):
    """A head over the outputs of the two chosen models; `settings` are scikit-learn's.

    Values in `grid` take the place of those in `settings`; which ones is chosen on held-out
    listings.
    """

    head: Literal["nn", "logreg", "knn", "random_forest", "stack", "gbdt"]
    inputs: Inputs
    price: bool
    # Whether the head reads how the texts are written as well.
    meta_features: bool = False
    settings: dict[str, Any]
    grid: dict[str, Annotated[list[Any], Field(min_length=1, max_length=20)]] = Field(
        default_factory=dict
    )

    @model_validator(mode="after")
    def _stack_weighs_probabilities(self) -> Self:
        if self.head == "stack" and self.inputs != "probs":
            raise KeyFault(
                "inputs",
                f"is {self.inputs!r}; the head stack weighs probabilities alone: "
                "expected probs, or another head",
            )
        if self.head == "stack" and self.meta_features:
            raise KeyFault(
                "meta_features",
                "is true; the head stack weighs probabilities and the price alone: "
                "expected false, or another head",
            )
        return self

    @model_validator(mode="after")
    def _known_settings(self) -> Self:
        _require_known("settings", self.settings, self.head)
        _require_known("grid", self.grid, self.head)
        return self


class Leaky(Section):
    """The row that leaks on purpose, and else does what fusion.logreg says."""

    # Of all listings, in its own test split.
    share: Annotated[float, Field(gt=0, lt=1)]


def _require_known(section: str, settings: dict[str, Any], head: str) -> None:
    known = SETTINGS[head]
    for key in settings:
        if key not in known:
            close = get_close_matches(str(key), known, n=1)
            expected = (
                f"did you mean {close[0]}?" if close else f"expected one of {', '.join(known)}"
            )
            raise KeyFault(f"{section}.{key}", f"is unknown; {expected}")
    for key, value in settings.items():
        for number in value if isinstance(value, list) else [value]:
            if isinstance(number, int) and number > _LARGEST:
                raise KeyFault(f"{section}.{key}", f"is {value}; expected at most {_LARGEST:,}")
