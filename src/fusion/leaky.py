"""The original work's mistake on purpose: a fresh split after the encoders were fitted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from sklearn.model_selection import train_test_split

from src.artifacts.outputs import ModelOutput
from src.core.listings import labels_of
from src.core.schema import FusedModel
from src.fusion.blocks import model_block, price_block
from src.fusion.fused import FusedClassifier
from src.fusion.heads import make_heads
from src.fusion.meta import with_meta
from src.fusion.predictions import Predictions
from src.fusion.shapley import MODALITIES


def fuse_leakily(
    table: pd.DataFrame,
    outputs: dict[str, ModelOutput],
    settings: FusedModel,
    share: float,
    seed: int,
) -> Predictions:
    """Do what a fused row does, but on a random share of all listings, and predict the rest.

    The split ignores near-duplicates and what the encoders were fitted on, so the encoders have
    seen most of the listings that are predicted. Never compare this score with honest ones.

    Args:
        table: the prepared listings.
        outputs: of the chosen models, by photo and text.
        settings: of the fused row that is repeated.
        share: of the listings that are predicted.
    """
    classes, y = labels_of(table)
    blocks = {name: model_block(table, out, settings.inputs) for name, out in outputs.items()}
    seen = ~np.logical_and.reduce([block.unseen for block in blocks.values()])
    if settings.meta_features:
        blocks["text"] = with_meta(blocks["text"], table)
    if settings.price:
        blocks["price"] = price_block(table)
    # The mistake: whatever an encoder has seen counts as unseen.
    blocks = {name: replace(b, unseen=np.ones_like(seen)) for name, b in blocks.items()}
    fitted, predicted = train_test_split(
        np.arange(len(table)), test_size=share, stratify=y, random_state=seed
    )
    chosen = np.isin(np.arange(len(table)), fitted)
    heads = make_heads(settings.head, settings.settings, settings.grid, len(classes), seed)
    model = FusedClassifier(heads, classes, seed=seed).fit(blocks, y, chosen)
    return Predictions(
        ids=table["id"].to_numpy(dtype=str)[predicted],
        classes=classes,
        probs=model.predict_proba(blocks)[predicted],
        without={},
        seen=seen[predicted],
        val_ids=np.empty(0, str),
        val_probs=np.empty((0, len(classes)), np.float32),
        n_fitted=model.n_fitted_,
        repeats=np.empty((0, len(predicted), len(classes)), np.float32),
        added=np.zeros((len(predicted), len(MODALITIES)), np.float32),
    )
