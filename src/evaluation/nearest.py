"""The training ads that are most like a listing, by the features of the models."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from src.artifacts.outputs import RowOutput
from src.core.files import write_npz
from src.fusion.blocks import of_unit_length

ADS, FEATURES = "ads.parquet", "ads.npz"
# Directions that are kept of each model's features: of the five nearest by all features, 87 to 92 %
# are still the five nearest and 99 % among ten (USE and EfficientNet-Lite0 on the demo, MiniLM and
# EfficientNet-Lite2 on 1,200 real ads). With 64 it is 75 to 87 % and 93 %.
SIZE = 128
_TITLE_LENGTH = 120
# Of a listing in the report, whose `id` is the first column.
NEAREST = 3
NEAREST_COLUMNS = ["id", "title", "category", "similarity"]


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
        # Imported late: who only reads a space does not need it.
        from sklearn.utils.extmath import randomized_svd

        unit = of_unit_length(features)
        mean = unit.mean(0)
        size = min(SIZE, *features.shape)
        _, _, directions = randomized_svd(unit - mean, size, random_state=0)
        basis: NDArray[np.float32] = directions.astype(np.float32)
        ads = np.zeros((n, size), np.float16)
        ads[rows] = _turned(features, mean, basis)
        return cls(mean, basis, ads)

    def place(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return where listings with these features [M, D] are, of unit length, [M, K]."""
        return _turned(features, self.mean, self.basis)

    def similarities(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the cosines of listings' features [M, D] with those of the ads, [M, N]."""
        cosines: NDArray[np.float32] = self.place(features) @ self._columns
        return cosines

    @cached_property
    def _columns(self) -> NDArray[np.float32]:
        return self.ads.T.astype(np.float32)


def _turned(
    features: NDArray[np.float32], mean: NDArray[np.float32], basis: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return features [M, D] as they are compared: in the directions of a basis, [M, K]."""
    found = (of_unit_length(features) - mean) @ basis.T
    return of_unit_length(found.astype(np.float32))


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
        counts = self.about["category"].value_counts().reindex(classes, fill_value=0)
        shares: NDArray[np.float64] = counts.to_numpy(float) / len(self.about)
        return shares

    def nearest(
        self,
        features: Mapping[str, NDArray[np.float32]],
        count: int,
        ignored: NDArray[np.bool_] | None = None,
    ) -> list[NearAd]:
        """Return the ads most like one listing, the most similar first.

        Args:
            features: of its photo and its text, [1, D] each, as far as it has them. An ad that
                lacks one of them is not like it there.
            ignored: ads that do not count, [N].
        """
        known = [name for name in self.spaces if name in features]
        if not known:
            return []
        similarity = np.mean(
            [self.spaces[name].similarities(features[name])[0] for name in known], axis=0
        )
        order = np.argsort(-similarity, kind="stable")
        order = order[:count] if ignored is None else order[~ignored[order]][:count]
        about = self.about.iloc[order].to_dict("records")
        return [
            NearAd(one["id"], one["title"], one["category"], float(similarity[place]))
            for place, one in zip(order, about, strict=True)
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


def nearest_of_others(
    table: pd.DataFrame, outputs: Mapping[str, RowOutput], ids: Iterable[str]
) -> pd.DataFrame:
    """Return the ads of other near-duplicate groups that are most like some listings.

    Args:
        table: the prepared listings.
        outputs: of the models whose features are compared, by modality.
        ids: of the listings; repeated ones count once.

    Returns:
        NEAREST_COLUMNS, up to NEAREST lines for each listing, the most similar first.
    """
    full = {name: output.full for name, output in outputs.items()}
    ads = training_ads(table, {name: (one.ids, one.features) for name, one in full.items()})
    places = {
        name: {one: place for place, one in enumerate(output.ids.tolist())}
        for name, output in full.items()
    }
    groups = table.set_index("id")["group"]
    of_ads = table["group"].to_numpy(dtype=object)
    lines = []
    for one in dict.fromkeys(ids):
        features = {
            name: full[name].features[[place[one]]]
            for name, place in places.items()
            if one in place
        }
        found = ads.nearest(features, NEAREST, of_ads == groups[one])
        lines += [(one, ad.title, ad.category, ad.similarity) for ad in found]
    return pd.DataFrame(lines, columns=NEAREST_COLUMNS)
