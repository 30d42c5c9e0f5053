"""A page to put labels right: the suspected ones, or unlabelled listings that would teach most."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict

from src.core.errors import UserError, run_command
from src.core.params import all_params
from src.pages.decisions import Decisions, file_of
from src.pages.photos import CollectedPhotos, Photos
from src.pages.server import jpeg_response, local_app, port_number, positive_number, serve_locally
from src.pages.suspects import Asked, suspected
from src.prepare.corrections import NEITHER, read_corrections_folder

TEACHING = 100
_TEXT_LENGTH = 5_000


class Decision(BaseModel):
    """What the page sends: the listing, and its right category; '' if it fits none."""

    model_config = ConfigDict(extra="forbid")

    id: str
    category: str


def review_app(
    asked: Sequence[Asked],
    categories: Sequence[str],
    decisions: Decisions,
    photos: Photos,
) -> FastAPI:
    """Return the app of the page.

    Args:
        asked: the listings, in the order to look at them.
        categories: to choose from.
        photos: of the listings.
    """
    app, by_id = local_app("review.html"), {one.id: one for one in asked}

    @app.get("/asked")
    def left() -> dict[str, Any]:
        decided = {one.id for one in decisions.read()}
        return {
            "by": decisions.by,
            "file": str(decisions.path),
            "categories": categories,
            "asked": [
                vars(one) | {"text": one.text[:_TEXT_LENGTH], "photo": photos.has(one.id)}
                for one in asked
                if one.id not in decided
            ],
        }

    @app.get("/photo/{listing:path}")
    def photo(listing: str) -> Response:
        return jpeg_response(photos.jpeg(listing))

    @app.post("/decide")
    def decide(decision: Decision) -> dict[str, str]:
        if decision.id not in by_id:
            raise UserError(f"{decision.id}: no such listing is asked about")
        if decision.category not in (*categories, NEITHER):
            raise UserError(f"{decision.category}: expected one of the categories, or none")
        decisions.decide(decision.id, decision.category, by_id[decision.id].was)
        return {"id": decision.id}

    @app.post("/undo")
    def undo() -> dict[str, str | None]:
        return {"id": decisions.undo()}

    return app


def main() -> None:
    parser = argparse.ArgumentParser("python -m src.pages.review", description=__doc__)
    login = os.environ.get("USER") or os.environ.get("USERNAME") or "me"
    parser.add_argument("--by", default=login, help="your name (default: your login)")
    parser.add_argument("--port", type=port_number, default=8011)
    more = parser.add_argument_group("unlabelled listings instead of suspected labels")
    more.add_argument("--unlabelled", type=Path, metavar="FILE", help="a CSV or Parquet file")
    more.add_argument("--photos", type=Path, metavar="FOLDER", help="default: the file's folder")
    more.add_argument("--count", type=positive_number, default=TEACHING, help="default 100")
    more.add_argument("--bundle", type=Path, default=Path("data/bundle"), help="the models")
    options = parser.parse_args()
    if options.unlabelled:
        app = _teaching_app(options)
    else:
        folder = Path(all_params().prepare.corrections)
        asked, categories = suspected(Path("data"))
        decided = {one.id for one in read_corrections_folder(folder)}
        left = [one for one in asked if one.id not in decided]
        print(f"{len(left)} suspected labels to look at, {len(asked) - len(left)} decided before")
        decisions = Decisions(file_of(folder, options.by), options.by)
        app = review_app(left, categories, decisions, CollectedPhotos(Path("data")))
    serve_locally(app, options.port)


def _teaching_app(options: argparse.Namespace) -> FastAPI:
    # Imported late: suspected labels need no models.
    from src.pages.teaching import teaching
    from src.predict.predictor import Predictor

    table: Path = options.unlabelled
    path = table.with_name(f"{table.stem}.{file_of(Path(), options.by).stem}.labels.csv")
    decisions, predictor = Decisions(path, options.by), Predictor(options.bundle)
    found = teaching(
        predictor,
        table,
        options.photos or table.parent,
        options.count,
        {one.id for one in decisions.read()},
    )
    print(f"{len(found.asked)} listings to label")
    return review_app(found.asked, predictor.info.classes, decisions, found.photos)


if __name__ == "__main__":
    run_command(main)
