"""The bundle as an MLflow model: what `mlflow models serve` answers. MLflow runs this file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
from mlflow.exceptions import MlflowException
from mlflow.models import set_model
from mlflow.pyfunc import PythonModel, PythonModelContext

from src.predict.listings import FIELDS, answer, from_base64
from src.predict.predictor import Predictor

BATCH = 256


class ListingModel(PythonModel):
    """Answers listings with the columns title, text, price and photo, any of them missing."""

    def load_context(self, context: PythonModelContext) -> None:
        self.predictor = Predictor(Path(context.artifacts["bundle"]))
        # At the start, so that no request has to wait for them and a fault shows at once.
        _ = self.predictor.image, self.predictor.text

    def predict(
        self,
        context: PythonModelContext,
        model_input: pd.DataFrame,
        params: dict[str, Any] | None = None,
    ) -> pd.DataFrame:
        """Return one row per listing: category, probability, used, note, error, p_<category> …

        `photo` is a picture in base64. Raises MlflowException, which the server answers with
        status 400, where no listing at all can be answered.
        """
        if not len(model_input):
            raise MlflowException.invalid_parameter_value(
                f"no listings given; each has some of {', '.join(FIELDS)}"
            )
        tables = []
        for start in range(0, len(model_input), BATCH):
            piece = model_input.iloc[start : start + BATCH]
            answers, notes = answer(self.predictor, piece, from_base64)
            tables.append(answers.table(notes))
        table = pd.concat(tables, ignore_index=True)
        failed = table["error"] != ""
        if failed.all():
            reasons = table["error"] + table["note"].map(lambda note: note and f" ({note})")
            raise MlflowException.invalid_parameter_value("; ".join(dict.fromkeys(reasons)))
        # JSON knows no NaN, so what an unanswered listing lacks becomes null.
        return table.astype(object).where(table.notna(), None) if failed.any() else table


set_model(ListingModel())
