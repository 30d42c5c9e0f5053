"""Why a listing got its category."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from src.core.errors import UserError
from src.evaluation.nearest import NearAd
from src.fusion.shapley import MODALITIES, log_odds
from src.predict.explain.odds import answer_contributions, answer_log_odds
from src.predict.explain.photo import PhotoEffect, photo_effect
from src.predict.explain.words import Words, word_effects
from src.predict.listings import FIELDS, read_cells
from src.predict.predictor import ListingPredictions, Predictor
from src.predict.scored import ScoredListings

SHOWN_ADS = 5


@dataclass(frozen=True)
class Explanation:
    """Why one listing got a category, in log-odds: the logarithm of p against all other classes.

    Attributes:
        category: that is explained; `probability` is its calibrated one.
        log_odds, prior_log_odds: of the answer, and of the category's share in the training ads.
        contributions: what each of photo, text and price that the listing has added: exact
            Shapley values, which sum to the difference.
        title, text: as the text model read them, without markup and contacts.
        words: which words; None where the answer does not rest on a text.
        photo: which part of the photo; None where the answer does not rest on one.
        nearest: the training ads most like it.
    """

    category: str
    probability: float
    log_odds: float
    prior_log_odds: float
    contributions: dict[str, float]
    title: str
    text: str
    words: Words | None
    photo: PhotoEffect | None
    nearest: list[NearAd]

    def as_json(self) -> dict[str, Any]:
        """Return it as plain lists, texts and numbers; docs/explanations.md tells the shape."""
        words, photo = self.words, self.photo
        return {
            "category": self.category,
            "probability": round(self.probability, 6),
            "log_odds": self.log_odds,
            "prior_log_odds": self.prior_log_odds,
            "contributions": self.contributions,
            "title": self.title,
            "text": self.text,
            "words": words
            and {
                "by": words.by,
                "not_tried": words.not_tried,
                "found": [one._asdict() for one in words.found],
            },
            "photo": photo
            and {
                "heat": photo.heat.tolist(),
                "patch": photo.patch._asdict(),
                "effect": photo.effect,
            },
            "nearest": [one._asdict() for one in self.nearest],
        }


def explain(
    predictor: Predictor, listing: Mapping[str, Any], category: str | None = None
) -> Explanation:
    """Explain the answer to one listing as a user gives it.

    Args:
        listing: any of title, text, price (in any usual form) and photo (the bytes of the file).
        category: that is explained; None: the likeliest.

    Raises:
        UserError: there is nothing to predict from, or no such category.
    """
    cells = pd.DataFrame([{name: listing.get(name) for name in FIELDS}], dtype=object)
    table, photos, notes = read_cells(cells, bytes, predictor.info.photo_pixels)
    listings = predictor.score(table, photos)
    return explain_scored(
        predictor, listings, photos[0], predictor.predict_scored(listings, notes), category
    )


def explain_scored(
    predictor: Predictor,
    listing: ScoredListings,
    photo: NDArray[np.uint8] | None,
    predictions: ListingPredictions,
    category: str | None = None,
) -> Explanation:
    """Explain the answer to one listing that is scored already; else as `explain`.

    Args:
        photo: as it was scored, [S, S, 3].
        predictions: of that listing.
    """
    classes = predictor.info.classes
    if not predictions.used[0]:
        raise UserError(predictions.nothing)
    if category is not None and category not in classes:
        raise UserError(f"category {category!r} is unknown; expected one of {', '.join(classes)}")
    column = int(predictions.probs[0].argmax()) if category is None else classes.index(category)
    has, used = modalities_of(predictor, listing), predictions.used[0].split("+")
    line = listing.table.iloc[0]
    return Explanation(
        category=classes[column],
        probability=float(predictions.probs[0, column]),
        log_odds=float(answer_log_odds(predictor, listing)[0, column]),
        prior_log_odds=float(log_odds(predictor.prior[None])[0, column]),
        contributions={
            name: float(values[0, column])
            for name, values in answer_contributions(predictor, listing).items()
            if name in has
        },
        title=line["title"],
        text=line["text"],
        words=word_effects(predictor, listing, column) if "text" in used else None,
        photo=(
            photo_effect(predictor, listing, photo, column)
            if photo is not None and "photo" in used
            else None
        ),
        nearest=nearest_ads(predictor, listing),
    )


def modalities_of(predictor: Predictor, listing: ScoredListings) -> list[str]:
    """Return which of photo, text and price one listing has, as far as the models read them."""
    has = {name: bool(scored.rows) for name, scored in listing.scores.items()}
    has["price"] = predictor.info.price and bool(np.isfinite(listing.table["price"].iloc[0]))
    return [name for name in MODALITIES if has[name]]


def nearest_ads(predictor: Predictor, listing: ScoredListings) -> list[NearAd]:
    """Return the training ads most like one listing."""
    features = {
        name: scored.output.features
        for name, scored in listing.scores.items()
        if scored.output is not None
    }
    return predictor.ads.nearest(features, SHOWN_ADS)
