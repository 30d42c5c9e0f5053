"""Read mutated pages: nothing may be raised, and time and memory must stay low.

Run: python -m benchmarks.fuzz_pages --pages-dir FOLDER_OF_SAVED_PAGES --pages 20000
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from random import Random

from tqdm import tqdm

from src.collect.pages.page import Page
from src.collect.pages.read import FAILED, read_page
from tests.collect.mutations import data_item, data_page, mutate

URL = "https://www.avito.ru/moskva/telefony"
_NOW = datetime(2025, 5, 23, 12, tzinfo=UTC)
_EARLY = 500


def as_data(page: Page) -> bytes:
    """Return a page's listings in the newer layout, of which there are no saved pages."""
    return data_page(
        [
            data_item(
                int(listing.id),
                title=listing.title,
                description=listing.text,
                priceDetailed={"value": listing.price},
                images=[{"864x648": photo} for photo in listing.photos],
            )
            for listing in page.listings
        ]
    )


def main() -> int:
    """Fuzz and print what was measured; return 1 if a page could not be read."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pages-dir", type=Path, required=True)
    parser.add_argument("--pages", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    saved = [path.read_bytes() for path in sorted(options.pages_dir.glob("*.html"))]
    wholes = [read_page(page, URL) for page in saved]
    saved += [as_data(whole) for whole in wholes if whole.listings]
    verdicts: Counter[str] = Counter()
    failed: list[int] = []
    times: list[float] = []
    early = 0.0
    for number in tqdm(range(options.pages), unit="page"):
        random = Random(f"{options.seed} {number}")
        page = mutate(random.choice(saved), random)
        start = time.perf_counter()
        read = read_page(page, URL, random.choice([None, "utf-8", "windows-1251"]), _NOW)
        times.append(time.perf_counter() - start)
        verdicts[read.verdict] += 1
        if any(item.reason.startswith(FAILED) for item in read.rejected):
            failed.append(number)
        if number + 1 == min(_EARLY, options.pages):
            early = _peak_mib()
    slowest = max(range(len(times)), key=times.__getitem__)
    print(f"slowest call: {times[slowest]:.3f} s (page {slowest})")
    print(f"mean call: {sum(times) / len(times):.4f} s")
    print(f"peak memory: {early:.0f} MiB after {_EARLY} pages, {_peak_mib():.0f} MiB at the end")
    print("verdicts:", ", ".join(f"{name} {count}" for name, count in verdicts.most_common()))
    print(f"failed readings: {len(failed)}", failed[:10] or "")
    return 1 if failed else 0


def _peak_mib() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


if __name__ == "__main__":
    sys.exit(main())
