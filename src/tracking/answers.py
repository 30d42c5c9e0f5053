"""The bundle to be tracked, and what its judged models answered on the test listings."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from src.core.errors import UserError
from src.core.files import read_json
from src.predict.bundle import predicting_row

if TYPE_CHECKING:
    import pandas as pd

# The file of a logged model that holds the answers.
ANSWERS = "answers.csv"
_KEPT = ["id", "content", "actual", "predicted"]


@dataclass(frozen=True)
class TrackedBundle:
    """The bundle and its models' answers.

    Attributes:
        folder: the bundle.
        name: of the registered model that it becomes a version of.
        answers: one line per test listing: id, content (a hash of the ad), actual and predicted
            category, group, fold. They are those of the models that were judged: the bundle's own
            may have been fitted on these listings.
    """

    folder: Path
    name: str
    answers: pd.DataFrame

    @property
    def row(self) -> tuple[str, str]:
        """Kind and name of the row that makes the predictions."""
        return predicting_row(read_json(self.folder / "bundle.json")["rows"])

    def answers_csv(self) -> str:
        """Return the answers as a logged model holds them, without group and fold."""
        return self.answers[_KEPT].to_csv(index=False)


def read_tracked_bundle(
    root: Path, name: str, listings: pd.DataFrame | None
) -> TrackedBundle | None:
    """Read the bundle under `root`; None where there is none, or there are no listings.

    Args:
        name: of the registered model.
        listings: of `read_tracked_listings`.

    Raises:
        UserError: the evaluation is of other listings or of another row.
    """
    folder = root / "data" / "bundle"
    if listings is None or not folder.exists():
        return None
    import pandas as pd

    _, row = predicting_row(read_json(folder / "bundle.json")["rows"])
    found = pd.read_parquet(root / "data" / "evaluation" / "predictions.parquet")
    found = found.loc[found["row"] == row, ["id", "actual", "predicted"]]
    answers = found.merge(listings[["id", "content", "group", "fold"]], on="id")
    if not len(found) or len(answers) < len(found):
        raise UserError(
            f"data/evaluation holds no answers of {row} on the listings of data/prepared; run "
            "`dvc repro` for all stages"
        )
    return TrackedBundle(folder, name, answers)


def read_answers(file: Path) -> pd.DataFrame:
    """Read what `answers_csv` returned; raises ValueError or OSError where it cannot be read."""
    import pandas as pd

    return pd.read_csv(file, dtype=str, keep_default_na=False, usecols=_KEPT)
