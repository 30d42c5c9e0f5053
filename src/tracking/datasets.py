"""The listings of an experiment as MLflow's datasets: what each part holds, as a hash."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd
    from mlflow.entities import DatasetInput

LISTINGS = Path("data/prepared/listings.parquet")
_PHOTOS = Path("data/packed/index.parquet")
# The most characters that MLflow takes.
_DIGEST_LENGTH = 36


def read_tracked_listings(root: Path) -> pd.DataFrame | None:
    """Read the prepared listings under `root`, with the column `content`: a hash of each ad.

    It covers title, text, price and the photo's file, and not the category, which is a label.
    None where there are no listings.
    """
    if not (root / LISTINGS).exists():
        return None
    import pandas as pd

    table = pd.read_parquet(root / LISTINGS)
    photos = pd.read_parquet(root / _PHOTOS, columns=["id", "sha256"]).set_index("id")["sha256"]
    ads = zip(table["title"], table["text"], table["price"], table["id"].map(photos), strict=True)
    return table.assign(content=[_hash(map(str, ad))[:16] for ad in ads])


def dataset_inputs(table: pd.DataFrame) -> list[DatasetInput]:
    """Return listings as inputs of a run: those of each split as one, or all where folds are.

    Args:
        table: of `read_tracked_listings`.
    """
    from mlflow.data.pandas_dataset import from_pandas
    from mlflow.entities import Dataset, DatasetInput, InputTag

    inputs = []
    for part, listings in table.groupby(table["split"].where(table["fold"] < 0, "folds")):
        hashed = listings[["id", "content", "category", "group", "fold"]].astype(str)
        with warnings.catch_warnings():
            # MLflow finds two ways to read a path, and both are the same.
            warnings.filterwarnings("ignore", "The specified dataset source can be interpreted")
            dataset = from_pandas(
                listings[["title", "text", "price", "category"]],
                source=str(LISTINGS),
                targets="category",
                name=f"listings {part}",
                digest=_hash(hashed.to_numpy().ravel())[:_DIGEST_LENGTH],
            )
        context = InputTag("mlflow.data.context", str(part))
        inputs.append(DatasetInput(Dataset(**dataset.to_dict()), [context]))
    return inputs


def _hash(texts: Iterable[str]) -> str:
    total = hashlib.sha256()
    for text in texts:
        total.update(text.encode() + b"\0")
    return total.hexdigest()
