"""The original's mistake on purpose: a fresh split after the encoders were fitted."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from src.artifacts.outputs import ModelOutput
from src.core.listings import labels_of
from src.fusion.blocks import model_block, price_block
from src.fusion.predictions import Predictions


def judge_leakily(
    table: pd.DataFrame, image: ModelOutput, text: ModelOutput, spec: dict[str, Any], seed: int
) -> Predictions:
    """Fit a logistic regression on a random part of all listings, score the rest.

    Neither near-duplicates nor what the encoders were fitted on is heeded, so most listings that
    it is judged on were seen by the encoders: the score is no score. Never compare it.
    """
    classes, y = labels_of(table)
    blocks = [model_block(table, features, spec["inputs"]) for features in (image, text)]
    x = np.concatenate([*(block.x for block in blocks), price_block(table).x], axis=1)
    fit, judged = train_test_split(
        np.arange(len(table)), test_size=spec["share"], stratify=y, random_state=seed
    )
    model = make_pipeline(StandardScaler(), LogisticRegression(**spec["settings"]))
    model.fit(x[fit], y[fit])
    probs = np.zeros((len(judged), len(classes)), np.float32)
    probs[:, model.classes_] = model.predict_proba(x[judged])
    return Predictions(
        ids=table["id"].to_numpy(dtype=str)[judged],
        classes=classes,
        probs=probs,
        without={},
        seen=~np.logical_and.reduce([block.unseen for block in blocks])[judged],
    )
