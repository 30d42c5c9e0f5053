"""The original work's mistake on purpose: a fresh split after the encoders were fitted."""

from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from src.artifacts.outputs import ModelOutput
from src.core.listings import labels_of
from src.core.schema import Leaky
from src.fusion.blocks import model_block, price_block
from src.fusion.predictions import Predictions


def fuse_leakily(
    table: pd.DataFrame, outputs: list[ModelOutput], settings: Leaky, seed: int
) -> Predictions:
    """Fit a logistic regression on a random share of all listings and predict the rest.

    The split ignores near-duplicates and what the encoders were fitted on, so the encoders have
    seen most of the listings that are predicted. Never compare this score with honest ones.

    Args:
        table: the prepared listings.
        outputs: of the chosen models.
        settings: the section `leaky`.
    """
    classes, y = labels_of(table)
    blocks = [model_block(table, output, settings.inputs) for output in outputs]
    columns = np.concatenate(
        [*(block.columns for block in blocks), price_block(table).columns], axis=1
    )
    fitted, predicted = train_test_split(
        np.arange(len(table)), test_size=settings.share, stratify=y, random_state=seed
    )
    model = make_pipeline(StandardScaler(), LogisticRegression(**settings.settings))
    model.fit(columns[fitted], y[fitted])
    probs = np.zeros((len(predicted), len(classes)), np.float32)
    probs[:, model.classes_] = model.predict_proba(columns[predicted])
    return Predictions(
        ids=table["id"].to_numpy(dtype=str)[predicted],
        classes=classes,
        probs=probs,
        without={},
        seen=~np.logical_and.reduce([block.unseen for block in blocks])[predicted],
    )
