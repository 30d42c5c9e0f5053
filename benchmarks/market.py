"""The demo's listings as a folder with a table and photos, of any size; made once."""

from __future__ import annotations

import csv
import shutil
from concurrent.futures import ProcessPoolExecutor
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path

from tqdm import tqdm

from src.collect.demo.catalog import CATEGORIES
from src.collect.demo.market import Market
from src.core.files import replacing
from src.core.params import all_params

COLUMNS = ("id", "title", "description", "price", "category", "image")


def market_folder(folder: Path, listings: int) -> Path:
    """Return `folder`/market-N with listings.csv and images/; drawn on all cores if missing."""
    out = folder / f"market-{listings}"
    if out.exists():
        return out
    # spawn: nothing of this process, in particular no thread, is copied.
    with replacing(out) as beside, ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        (beside / "images").mkdir(parents=True)
        shares = [(beside / "images", listings, first) for first in range(0, listings, 250)]
        rows = tqdm(pool.map(_draw, shares), total=len(shares), desc="market", unit="x250")
        with (beside / "listings.csv").open("w", newline="", encoding="utf-8") as file:
            table = csv.writer(file)
            table.writerow(COLUMNS)
            for share in rows:
                table.writerows(share)
    return out


def first_listings(market: Path, listings: int, out: Path) -> None:
    """Write a folder of the first listings and their photos."""
    (out / "images").mkdir(parents=True)
    with (market / "listings.csv").open(encoding="utf-8") as given:
        lines = [line for line, _ in zip(given, range(listings + 1), strict=False)]
    (out / "listings.csv").write_text("".join(lines), encoding="utf-8")
    # Copied: DVC sees no change behind a link, so `collect` refuses one that leads out.
    for row in csv.DictReader(lines):
        if row["image"]:
            shutil.copyfile(market / "images" / row["image"], out / "images" / row["image"])


@lru_cache(1)
def _market(listings: int) -> Market:
    params = all_params()
    return Market(params.collect.demo.model_copy(update={"listings": listings}), params.seed)


def _draw(share: tuple[Path, int, int]) -> list[tuple[str, ...]]:
    images, listings, first = share
    market = _market(listings)
    rows = []
    for facts in market.facts[first : first + 250]:
        text, photo, name = market.text(facts.index), market.photo(facts.index), ""
        if photo is not None:
            name = f"{facts.id}.jpg"
            (images / name).write_bytes(photo)
        price = "" if facts.price is None else str(facts.price)
        shown = CATEGORIES[facts.shown].name
        # One line each, so that the first so many lines are the first so many listings.
        body = text.body.replace("\n", " ").replace("\r", " ")
        rows.append((facts.id, text.title, body, price, shown, name))
    return rows
