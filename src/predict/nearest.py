"""The training ads that are most like a listing, by the features of the models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from src.core.files import write_npz
from src.fusion.blocks import of_unit_length

ADS, FEATURES = "ads.parquet", "ads.npz"
# Directions that are kept of each model's features. On the demo, nine of the ten nearest by all
# features stay among the nearest twenty.
SIZE = 64
_TITLE_LENGTH = 120


class NearAd(NamedTuple):
    """A training ad, and its similarity to a listing: 1 for a copy, about 0 for any other ad."""

    id: str
    title: str
    category: str
    similarity: float


@dataclass(frozen=True)
class Space:
    """Where ads are compared: features of unit length less their mean, in SIZE directions.

    Attributes:
        mean: [D].
        basis: orthonormal rows, [K, D].
        ads: the N ads there, of unit length; 0 for those without the modality, [N, K] float16.
    """

    mean: NDArray[np.float32]
    basis: NDArray[np.float32]
    ads: NDArray[np.float16]

    @classmethod
    def of(cls, features: NDArray[np.float32], rows: NDArray[np.intp], n: int) -> Space:
        """Fit the space to features [M, D] of `rows` among N ads."""
        # Imported late: only a bundle that is made needs it.
        from sklearn.utils.extmath import randomized_svd

        unit = of_unit_length(features)
        mean = unit.mean(0)
        size = min(SIZE, *features.shape)
        _, _, basis = randomized_svd(unit - mean, size, random_state=0)
        ads = np.zeros((n, size), np.float16)
        ads[rows] = of_unit_length((unit - mean) @ basis.T)
        return cls(mean, basis.astype(np.float32), ads)

    def place(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return where listings with these features [M, D] are, of unit length, [M, K]."""
        return of_unit_length((of_unit_length(features) - self.mean) @ self.basis.T)

    def similarities(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the cosines of listings' features [M, D] with those of the ads, [M, N]."""
        cosines: NDArray[np.float32] = self.place(features) @ self.ads.T.astype(np.float32)
        return cosines


@dataclass(frozen=True)
class TrainingAds:
    """The ads that a bundle's models were fitted on.

    Attributes:
        about: id, category and title of each, [N].
        spaces: by modality, photo and text.
    """

    about: pd.DataFrame
    spaces: Mapping[str, Space]

    def prior(self, classes: list[str]) -> NDArray[np.float64]:
        """Return the share of each class among the ads, [C]."""
        shares = self.about["category"].value_counts(normalize=True)
        return shares.reindex(classes, fill_value=0).to_numpy(dtype=float)

    def nearest(self, features: Mapping[str, NDArray[np.float32]], count: int) -> list[NearAd]:
        """Return the ads most like one listing, the most similar first.

        Args:
            features: of its photo and its text, [1, D] each, as far as it has them. An ad that
                lacks one of them is not like it there.
        """
        known = [name for name in self.spaces if name in features]
        if not known:
            return []
        similarity = np.mean(
            [self.spaces[name].similarities(features[name])[0] for name in known], axis=0
        )
        order = np.argsort(-similarity, kind="stable")[:count]
        about = self.about.iloc[order]
        return [
            NearAd(one.id, one.title, one.category, float(similarity[place]))
            for place, one in zip(order, about.itertuples(index=False), strict=True)
        ]

    def save(self, folder: Path) -> None:
        """Write ads.parquet and ads.npz."""
        self.about.to_parquet(folder / ADS, index=False)
        spaces = {
            f"{name}_{field}": getattr(space, field)
            for name, space in self.spaces.items()
            for field in ("mean", "basis", "ads")
        }
        write_npz(folder / FEATURES, spaces)

    @classmethod
    def load(cls, folder: Path) -> TrainingAds:
        """Read what `save` wrote."""
        with np.load(folder / FEATURES, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        spaces = {
            name: Space(*(arrays[f"{name}_{field}"] for field in ("mean", "basis", "ads")))
            for name in ("photo", "text")
            if f"{name}_ads" in arrays
        }
        return cls(pd.read_parquet(folder / ADS), spaces)


def training_ads(
    table: pd.DataFrame, features: Mapping[str, tuple[NDArray[np.str_], NDArray[np.float32]]]
) -> TrainingAds:
    """Gather training ads with what is compared of them.

    Args:
        table: the listings that the models were fitted on, prepared.
        features: by modality, ids [M] of listings and their features [M, D]; others are ignored.
    """
    index = pd.Index(table["id"])
    spaces = {}
    for name, (ids, found) in features.items():
        rows = index.get_indexer(pd.Index(ids))
        there = rows >= 0
        spaces[name] = Space.of(found[there], rows[there], len(table))
    about = table[["id", "category", "title"]].reset_index(drop=True)
    return TrainingAds(about.assign(title=about["title"].str[:_TITLE_LENGTH]), spaces)
