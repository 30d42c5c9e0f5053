"""A page to try the model: give a photo, a title, a text and a price, see categories and why."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import BoundedSemaphore, Lock
from typing import Any

import pandas as pd
from fastapi import FastAPI
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from src.core.errors import UserError, run_command
from src.core.files import read_json
from src.core.listings import PREPARED, read_listings
from src.evaluation.abstain import TARGETS, percent_name
from src.pages.guard import MAX_PHOTO_BYTES
from src.pages.photos import NO_PHOTOS, CollectedPhotos, Photos
from src.pages.server import jpeg_response, local_app, port_number, serve_locally
from src.predict.bundle import predicting_row
from src.predict.explain.explanation import explain_scored
from src.predict.listings import photo_from_base64, read_cells
from src.predict.predictor import Predictor
from src.predict.reference import read_reference

# What is asked of the model while it answers waits; more than this is refused.
AT_ONCE = 32
EXAMPLES = 6
# The accuracy below which the page is not sure.
TARGET = TARGETS[0]


class Question(BaseModel):
    """One listing as the page sends it; `photo` in base64, '' for none."""

    model_config = ConfigDict(extra="forbid")

    title: str = Field(default="", max_length=1_000)
    text: str = Field(default="", max_length=20_000)
    price: str = Field(default="", max_length=100)
    photo: str = Field(default="", max_length=MAX_PHOTO_BYTES * 4 // 3 + 100)


@dataclass(frozen=True)
class Threshold:
    """From which probability on the model's answers are right often enough.

    Attributes:
        target: the share of right answers that is wanted.
        probability: 1 or less; None if no probability reaches the target.
    """

    target: float
    probability: float | None


def ask_app(
    predictor: Predictor,
    threshold: Threshold | None = None,
    examples: Sequence[dict[str, Any]] = (),
    photos: Photos = NO_PHOTOS,
) -> FastAPI:
    """Return the app of the page.

    Args:
        threshold: None if nothing is known of how often the model is right.
        examples: listings to click: id, title, text and price of each.
        photos: of the examples and of the ads that the model learned from.
    """
    app = local_app("ask.html")
    places, one_at_a_time = BoundedSemaphore(AT_ONCE), Lock()

    def with_photo(listing: dict[str, Any]) -> dict[str, Any]:
        return listing | {"photo": photos.has(listing["id"])}

    @app.get("/about")
    def about() -> dict[str, Any]:
        return {
            "threshold": threshold and vars(threshold),
            "max_photo_bytes": MAX_PHOTO_BYTES,
            "examples": [with_photo(one) for one in examples],
        }

    @app.get("/photo/{listing:path}")
    def photo(listing: str) -> Response:
        return jpeg_response(photos.jpeg(listing))

    @app.post("/answer")
    def answer(question: Question) -> Response:
        if not places.acquire(blocking=False):
            return JSONResponse({"error": "too many questions at once; ask again later"}, 503)
        try:
            with one_at_a_time:
                found = answer_to(predictor, question, threshold)
        finally:
            places.release()
        found["why"]["nearest"] = [with_photo(one) for one in found["why"]["nearest"]]
        return JSONResponse(found)

    return app


def answer_to(
    predictor: Predictor, question: Question, threshold: Threshold | None
) -> dict[str, Any]:
    """Return the categories with their probabilities, the likeliest first, and why.

    Raises:
        UserError: there is nothing to predict from.
    """
    cells = pd.DataFrame([question.model_dump()], dtype=object)
    table, photos, notes = read_cells(cells, photo_from_base64, predictor.info.photo_pixels)
    scored = predictor.score(table, photos)
    predictions = predictor.predict_scored(scored, notes)
    said = [note for note in predictions.notes[0].split("; ") if note]
    if not predictions.used[0]:
        raise UserError("; ".join([predictions.nothing, *said]))
    probs = predictions.probs[0]
    sure = None
    if threshold:
        sure = threshold.probability is not None and bool(probs.max() >= threshold.probability)
    return {
        "categories": [
            {"name": predictions.classes[column], "prob": round(float(probs[column]), 6)}
            for column in (-probs).argsort(kind="stable")
        ],
        "sure": sure,
        "used": predictions.used[0].split("+"),
        "notes": said,
        "why": explain_scored(predictor, scored, photos[0], predictions).as_json(),
    }


def read_threshold(metrics: Path, predictor: Predictor) -> Threshold | None:
    """Return the threshold of the row that predicts; None if these are no scores of the bundle."""
    kind, row = predicting_row(predictor.info.rows)
    file = metrics / kind / f"{row}.json"
    scores = read_json(file) if file.exists() else {}
    # A bundle of another folder, or of another experiment, may have a row of that name.
    if scores | read_reference(predictor.folder).scores != scores:
        return None
    return Threshold(TARGET, scores.get(f"threshold_at_{percent_name(TARGET)}"))


def read_examples(data: Path) -> list[dict[str, Any]]:
    """Return listings to click: of the test split, with a photo, each of another category."""
    file = data / "prepared" / "listings.parquet"
    if not file.exists():
        return []
    table = read_listings(file, PREPARED)
    found = table[(table["split"] == "test") & (table["photo_row"] >= 0) & (table["text"] != "")]
    found = found.drop_duplicates("category").head(EXAMPLES)
    return [
        {name: one[name] for name in ("id", "title", "text")}
        | {"price": "" if pd.isna(one["price"]) else f"{one['price']:.15g}"}
        for one in found.to_dict("records")
    ]


def main() -> None:
    parser = argparse.ArgumentParser("python -m src.pages.ask", description=__doc__)
    parser.add_argument("--bundle", type=Path, default=Path("data/bundle"), help="the models")
    parser.add_argument("--port", type=port_number, default=8010)
    options = parser.parse_args()
    predictor, data = Predictor(options.bundle), Path("data")
    # Loaded now, so that the first answer is as fast as the others.
    _ = predictor.image, predictor.text, predictor.ads
    threshold = read_threshold(Path("metrics"), predictor)
    serve_locally(
        ask_app(predictor, threshold, read_examples(data), CollectedPhotos(data)), options.port
    )


if __name__ == "__main__":
    run_command(main)
