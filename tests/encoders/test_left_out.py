"""Kernel rows leave out each listing's group in closed form: as if fitted again without it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from src.core.listings import labels_of
from src.encoders.common.encoder import FitPlan, LeavesGroupsOut
from src.encoders.common.folds import train
from src.encoders.common.kernel_probe import KernelProbe
from src.encoders.image.data import ImageData
from src.encoders.text.data import TextData
from src.encoders.text.words_and_network import WordsAndNetwork
from tests.encoders.conftest import TRAINER, kernel_image, kernel_text
from tests.made import CLASSES, groups_of


@pytest.fixture(params=["photo", "text", "words"])
def encoder(
    request: pytest.FixtureRequest,
    grouped: pd.DataFrame,
    packed: Path,
    cnn_weights: Path,
    tokens: Path,
    bert_weights: Path,
) -> KernelProbe | WordsAndNetwork:
    labels = labels_of(grouped)[1]
    if request.param == "photo":
        photos = ImageData(grouped, packed, cnn_weights, kernel_image())
        return KernelProbe(photos, labels, CLASSES, kernel_image(), TRAINER, 7, "photo")
    settings = kernel_text(words=0.3 if request.param == "words" else 0.0)
    texts = TextData(grouped, tokens, bert_weights, settings)
    if request.param == "words":
        return WordsAndNetwork(texts, grouped, labels, CLASSES, settings, TRAINER, 7, "words")
    return KernelProbe(texts, labels, CLASSES, settings, TRAINER, 7, "text")


@pytest.fixture(scope="module")
def grouped(table: pd.DataFrame) -> pd.DataFrame:
    """The listings in groups of four, every other group with labels that nothing explains."""
    group = np.arange(len(table)) // 4
    category = np.where(group % 2, np.array(CLASSES)[group % 3], table["category"])
    return table.assign(group=[f"g{number}" for number in group], category=category)


def test_a_row_is_scored_as_if_it_had_been_fitted_without_the_group(
    encoder: KernelProbe | WordsAndNetwork, grouped: pd.DataFrame
) -> None:
    assert isinstance(encoder, LeavesGroupsOut)
    trained = train(encoder, grouped, 0, seed=7, name="row")
    both = np.flatnonzero(grouped["split"] != "test")
    assert trained.out_of_fold.ids.tolist() == grouped["id"][both].tolist()
    assert trained.out_of_fold.unseen(groups_of(grouped)).all()
    np.testing.assert_array_equal(trained.out_of_fold.features, trained.output.features[both])
    again = np.empty_like(trained.out_of_fold.probs)
    for first in range(0, len(both), 4):
        held_out = both[first : first + 4]
        model, _ = encoder.fit(np.setdiff1d(both, held_out), FitPlan(7, "row"))
        again[first : first + 4] = encoder.score(model, held_out).probs
    # Scales, weights of classes and the temperature are of all listings, so it is not quite equal.
    np.testing.assert_allclose(trained.out_of_fold.probs, again, atol=0.1)
    # Nor is it the answer of the model that has seen the listing.
    assert np.abs(trained.output.probs[both] - again).max() > 0.2
