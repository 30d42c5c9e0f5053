"""The bundle as an MLflow model, which `mlflow models serve` runs: MLflow executes this file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
from mlflow.exceptions import MlflowException
from mlflow.models import set_model
from mlflow.pyfunc import PythonModel, PythonModelContext

from src.predict.listings import BATCH_LISTINGS, FIELDS, photo_from_base64, predict_listings
from src.predict.predictor import Predictor


class ListingModel(PythonModel):
    """Predicts listings with the columns title, text, price and photo, any of them missing.

    A value may have any type: what cannot be read of a listing is noted, and the rest is used.
    """

    def load_context(self, context: PythonModelContext) -> None:
        self.predictor = Predictor(Path(context.artifacts["bundle"]))
        # Loaded at the start, so that no request waits for them and a fault shows at once.
        _ = self.predictor.image, self.predictor.text

    def predict(
        self,
        context: PythonModelContext,
        model_input: pd.DataFrame,
        params: dict[str, Any] | None = None,
    ) -> pd.DataFrame:
        """Return one row per listing: category, probability, used, note, error, p_<category> …

        `photo` is an image in base64.

        Raises:
            MlflowException: none of the listings can be predicted; the server answers status 400.
        """
        if not len(model_input):
            raise MlflowException.invalid_parameter_value(
                f"no listings given; each has some of {', '.join(FIELDS)}"
            )
        tables = []
        for start in range(0, len(model_input), BATCH_LISTINGS):
            cells = model_input.iloc[start : start + BATCH_LISTINGS]
            tables.append(predict_listings(self.predictor, cells, photo_from_base64).table())
        table = pd.concat(tables, ignore_index=True)
        failed = table["error"] != ""
        if failed.all():
            reasons = table["error"] + table["note"].map(lambda note: note and f" ({note})")
            raise MlflowException.invalid_parameter_value("; ".join(dict.fromkeys(reasons)))
        # JSON has no NaN: what a listing without a prediction lacks becomes null.
        return table.astype(object).where(table.notna(), None) if failed.any() else table


set_model(ListingModel())
