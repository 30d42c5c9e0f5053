"""A stage's parameters: those that dvc.yaml declares for it, and no others."""

from __future__ import annotations

from typing import Any


def stage_params(stage: str) -> dict[str, Any]:
    """Return the nested parameters of one stage, e.g. `train_image@cnn`.

    Reading through DVC keeps dvc.yaml honest: a parameter that a stage does not declare is not
    there, so it cannot change a result without re-running the stage.
    """
    import dvc.api

    params: dict[str, Any] = dvc.api.params_show(stages=stage)
    return params
