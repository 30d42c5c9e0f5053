"""Are explanations faithful: does leaving out what they name lower the answer more than chance?

    python -m benchmarks.faithfulness [FOLDER] [--listings 150] [--row tfidf]

FOLDER is a clone in which `dvc repro` has finished; by default this one. The models are those that
were judged, and the listings of the test split, which none of them has seen. Of each listing the
three words with the largest effect are left out together, and the named patch of the photo is
covered; against as many words, and another patch, at random, RANDOM times. A patch is covered with
the blurred photo: explanations themselves use the mean colour. Counted is by how much the log-odds
of the answered category fall. `--row` takes one text row in place of the fused one, and
`--photo-alone` hides text and price, for a fused row that does not read a photo beside a text.
"""

from __future__ import annotations

import shutil
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image, ImageFilter
from tqdm import tqdm

from src.core.files import read_json, write_json
from src.core.listings import PREPARED, read_listings
from src.evaluation.nearest import ADS, FEATURES
from src.predict.bundle import predicting_row, read_bundle
from src.predict.explain.odds import answer_log_odds
from src.predict.explain.photo import CELLS, PLACES, SIDE, cover, covered_log_odds, photo_effect
from src.predict.explain.words import without_words, word_effects
from src.predict.export import export_model
from src.predict.predictor import Predictor
from src.predict.scored import ScoredListings

NAMED, RANDOM, RESAMPLES = 3, 10, 10_000


class Falls(NamedTuple):
    """By how much the log-odds fall without what is named, and without random parts, [RANDOM]."""

    named: float
    at_random: NDArray[np.float64]


def main() -> None:
    options = ArgumentParser(prog="python -m benchmarks.faithfulness", description=__doc__)
    options.add_argument("folder", type=Path, nargs="?", default=Path())
    options.add_argument("--listings", type=int, default=150)
    options.add_argument("--row", default="", help="a text row alone, in place of the fused row")
    options.add_argument("--photo-alone", action="store_true", help="hide text and price")
    given = options.parse_args()
    data = given.folder / "data"
    table = read_listings(data / "prepared" / "listings.parquet", PREPARED)
    tested = table[table["split"] == "test"]
    chosen = tested.sample(min(given.listings, len(tested)), random_state=7)
    if given.photo_alone:
        chosen = chosen.assign(title="", text="", price=np.nan)
    with TemporaryDirectory() as folder:
        predictor = judged(data, Path(folder) / "bundle", given.row)
        words, patches = falls(predictor, chosen, np.load(data / "packed/photos.npy", "r"))
    print(f"{given.folder.absolute().name}, {given.row or 'fused'}: {len(chosen)} test listings")
    for name, found in (("words", words), ("patch", patches)):
        if found:
            print(f"{name}: {sentence(found)}")


def judged(data: Path, out: Path, text_row: str) -> Predictor:
    """Return the judged models as a bundle, which is written to `out`, or one text row alone."""
    info = read_bundle(data / "bundle")
    rows = {"text": text_row} if text_row else info.rows
    for kind, row in rows.items():
        export_model(kind, data / "checkpoints" / row, out / kind, info.photo_pixels)
    for name in (ADS, FEATURES):
        shutil.copyfile(data / "bundle" / name, out / name)
    temperatures = read_json(data / "evaluation" / "temperature.json")
    changes = {
        "rows": rows,
        "price": info.price and "fused" in rows,
        "temperature": temperatures[predicting_row(rows)[1]],
        "files": [],
    }
    write_json(out / "bundle.json", info.model_copy(update=changes).model_dump())
    return Predictor(out)


def falls(
    predictor: Predictor, table: pd.DataFrame, photos: NDArray[np.uint8]
) -> tuple[list[Falls], list[Falls]]:
    """Return the falls of words and of patches, of the listings that have enough of them."""
    rng = np.random.default_rng(7)
    words: list[Falls] = []
    patches: list[Falls] = []
    for row in tqdm(range(len(table)), disable=None):
        line = table.iloc[[row]].reset_index(drop=True)
        number = line["photo_row"].iloc[0]
        photo = np.asarray(photos[number]) if number >= 0 else None
        listing = predictor.score(line, [photo])
        probs, (used,) = predictor.answer(listing)
        if not used:
            continue
        column = int(probs[0].argmax())
        if "text" in used:
            words += of_words(predictor, listing, column, rng)
        if photo is not None and "photo" in used:
            patches.append(of_patches(predictor, listing, photo, column, rng))
    return words, patches


def of_words(
    predictor: Predictor, listing: ScoredListings, column: int, rng: np.random.Generator
) -> Iterator[Falls]:
    """Yield the falls without words; of a listing with too few to choose from, none."""
    effects = {one.word: one.effect for one in word_effects(predictor, listing, column).found}
    if len(effects) < 2 * NAMED:
        return
    named = set(sorted(effects, key=effects.__getitem__)[-NAMED:])
    sets = [named] + [set(rng.choice(list(effects), NAMED, False)) for _ in range(RANDOM)]
    variants = without_words(listing.table, sets)
    left_out = listing.with_scores(variants, text=predictor.score_texts(variants))
    yield fallen(predictor, listing, column, answer_log_odds(predictor, left_out))


def of_patches(
    predictor: Predictor,
    listing: ScoredListings,
    photo: NDArray[np.uint8],
    column: int,
    rng: np.random.Generator,
) -> Falls:
    """Return the falls with the named patch covered, and with others."""
    patch = photo_effect(predictor, listing, photo, column).patch
    named = round(patch.top * CELLS) * PLACES + round(patch.left * CELLS)
    others = rng.choice(np.delete(np.arange(PLACES**2), named), RANDOM, False)
    blurred = np.asarray(
        Image.fromarray(photo).filter(ImageFilter.GaussianBlur(len(photo) * SIDE / CELLS))
    )
    covered = np.stack([cover(photo, int(place), blurred) for place in (named, *others)])
    return fallen(predictor, listing, column, covered_log_odds(predictor, listing, covered))


def fallen(
    predictor: Predictor, listing: ScoredListings, column: int, without: NDArray[np.float64]
) -> Falls:
    whole = answer_log_odds(predictor, listing)[0, column]
    named, *at_random = whole - without[:, column]
    return Falls(float(named), np.array(at_random))


def sentence(found: list[Falls]) -> str:
    """Say how far the log-odds fall, with intervals by bootstrap over the listings."""
    named = np.array([one.named for one in found])
    at_random = np.array([one.at_random.mean() for one in found])
    rng = np.random.default_rng(7)
    drawn = rng.integers(0, len(found), (RESAMPLES, len(found)))
    more = named - at_random
    low, high = np.quantile(more[drawn].mean(1), (0.025, 0.975))
    return (
        f"the log-odds fall by {named.mean():.2f} without what is named and by "
        f"{at_random.mean():.2f} without as much at random: {more.mean():.2f} more "
        f"({low:.2f} to {high:.2f}), and more for {(more > 0).sum()} of {len(found)} listings"
    )


if __name__ == "__main__":
    main()
