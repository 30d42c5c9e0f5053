"""The collector and the demo's server, each in a process of its own.

python -m benchmarks.collect overhead --listings 2000
python -m benchmarks.collect memory --listings 1000 27000
python -m benchmarks.collect kills --listings 27000 --kills 25
"""

from __future__ import annotations

import json
import random
import re
import resource
import signal
import subprocess
import sys
import tempfile
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from statistics import median
from typing import Any

import requests

from src.collect.crawl import CrawlSpec, crawl
from src.collect.demo.catalog import CATEGORIES
from src.collect.fetch import Fetcher
from src.collect.hosts import Hosts
from src.collect.run import write_table
from src.collect.snapshot import snapshot
from src.collect.store import Store
from src.core.errors import UserError
from src.core.schema import Crawl

STARTS = [f"/moskva/{category.slug}" for category in CATEGORIES]
SETTINGS = Crawl(
    page_delay_s=0,
    photo_delay_s=0,
    jitter=0,
    at_once=8,
    timeout_s=3,
    attempts=6,
    longest_pause_s=60,
    give_up_after=20,
    redirects=3,
    photo_max_bytes=10_000_000,
)
FAULTS = {
    "busy": 0.02, "reset": 0.02, "stall": 0.002, "stall_s": 5, "cut": 0.05, "misencoded": 0.05,
    "repeated": 0.05, "blocked": 0.005, "captcha": 0.005, "relaid": 0.25, "broken_photo": 0.03,
}  # fmt: skip


def main() -> None:
    arguments = ArgumentParser(description=__doc__)
    arguments.add_argument("what", choices=["overhead", "memory", "kills", "child"])
    arguments.add_argument("--listings", type=int, nargs="+", default=[2000])
    arguments.add_argument("--photo-size", type=int, default=64)
    arguments.add_argument("--kills", type=int, default=25)
    arguments.add_argument("--repeats", type=int, default=5)
    arguments.add_argument("--seed", type=int, default=7)
    arguments.add_argument("--site")
    arguments.add_argument("--folder", type=Path)
    given = arguments.parse_args()
    result = {"overhead": overhead, "memory": memory, "kills": kills, "child": child}[given.what]
    print(json.dumps(result(given), indent=None if given.what == "child" else 2))


def child(given: Namespace) -> dict[str, Any]:
    """Crawl a site into a folder and write its table and photos, as the collect stage does."""
    spec = CrawlSpec(given.site, STARTS, datetime(2026, 12, 1, tzinfo=UTC))
    hosts = Hosts(pages=(), photos=(), local=given.site.removeprefix("http://"))
    began = time.monotonic()
    with Store(given.folder / "store", salt="salt") as store:
        try:
            with Fetcher(SETTINGS, hosts) as fetcher:
                crawl(store, spec, fetcher)
        except UserError as error:
            return {"stopped": str(error), "listings": store.count()}
        crawled = time.monotonic() - began
        collected = snapshot(store, given.folder / "photos")
        counts = write_table(collected, given.folder / "listings.parquet")
    return {
        "listings": counts.listings,
        "with_photo": counts.with_photo,
        "rejected": len(collected.rejected),
        "noted": len(collected.noted),
        "crawl_s": round(crawled, 2),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
    }


def overhead(given: Namespace) -> dict[str, Any]:
    """Return the crawl's time over that of bare requests for the same URLs, by turns."""
    results: dict[str, Any] = {"listings": given.listings[0]}
    for name, no_photo in (("pages", 1.0), ("pages and photos", 0.2)):
        faults = dict.fromkeys(FAULTS, 0) | {"no_photo": no_photo, "stall_s": 1}
        faults |= {"dull_photo": 0}
        ratios, ours, bare = [], [], []
        with served(given.listings[0], given.photo_size, faults) as at:
            pages, photos = _urls(at)
            for _ in range(given.repeats):
                with tempfile.TemporaryDirectory() as folder:
                    ours.append(_run(at, Path(folder))["crawl_s"])
                bare.append(_bare(pages, photos))
                ratios.append(ours[-1] / bare[-1])
        results[name] = {
            "requests": len(pages) + len(photos),
            "ours_s": round(median(ours), 2),
            "bare_s": round(median(bare), 2),
            "ratio": round(median(ratios), 2),
            "spread": [round(min(ratios), 2), round(max(ratios), 2)],
            "overhead_ms_per_page": round(1000 * (median(ours) - median(bare)) / len(pages), 1),
        }
    return results


def memory(given: Namespace) -> dict[str, Any]:
    """Return peak resident memory of crawl and export by the number of listings."""
    peaks = {}
    for listings in given.listings:
        with (
            tempfile.TemporaryDirectory() as folder,
            served(listings, given.photo_size, FAULTS | {"blocked": 0, "captcha": 0}) as at,
        ):
            peaks[listings] = _run(at, Path(folder))
    return peaks


def kills(given: Namespace) -> dict[str, Any]:
    """Crawl once undisturbed and once killed again and again; compare every byte of the results."""
    rng = random.Random(given.seed)
    with tempfile.TemporaryDirectory() as temporary:
        whole, killed = Path(temporary) / "whole", Path(temporary) / "killed"
        began = time.monotonic()
        with served(given.listings[0], given.photo_size, FAULTS) as at:
            calm, stops = _until_done(at, whole)
        needed = time.monotonic() - began
        survived = 0
        with served(given.listings[0], given.photo_size, FAULTS) as at:
            # The kills are spread over the time that an undisturbed crawl needed.
            while survived < given.kills:
                process = _start(at, killed)
                try:
                    process.wait(timeout=rng.uniform(0.2, 1.5) * needed / given.kills)
                except subprocess.TimeoutExpired:
                    process.send_signal(signal.SIGKILL)
                    survived += 1
                told, _ = process.communicate()
                if told and "stopped" not in told:
                    break  # done before it could be killed often enough
            hard, _ = _until_done(at, killed)
        same = _digest(whole) == _digest(killed)
        return {
            "undisturbed": calm, "stopped_by_a_block_and_resumed": stops, "killed": hard,
            "kills": survived, "seconds": round(needed), "byte_identical": same,
        }  # fmt: skip


def _until_done(at: str, folder: Path) -> tuple[dict[str, Any], int]:
    """Run again after each stop by a block page or captcha, as a person would."""
    for stops in range(1000):
        result = _run(at, folder)
        if "stopped" not in result:
            return result, stops
    raise RuntimeError(f"never done: {result}")


def _start(at: str, folder: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "benchmarks.collect", "child", "--site", at]
    return subprocess.Popen(
        [*command, "--folder", str(folder)],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip


def _run(at: str, folder: Path) -> dict[str, Any]:
    told, _ = _start(at, folder).communicate()
    result: dict[str, Any] = json.loads(told)
    return result


def _digest(folder: Path) -> dict[str, str]:
    results = [folder / "listings.parquet", *sorted((folder / "photos").rglob("*.jpg"))]
    return {str(p.relative_to(folder)): sha256(p.read_bytes()).hexdigest() for p in results}


def _urls(at: str) -> tuple[list[str], list[str]]:
    """Return all pages and photos of the site."""
    pages, photos = [], []
    for start in STARTS:
        number, body = 1, requests.get(at + start, timeout=60).text
        pages.append(at + start)
        while 'data-marker="item"' in body:
            photos += sorted(set(re.findall(r"/image/\d+\.jpg", body)))
            number += 1
            pages.append(f"{at}{start}?p={number}")
            body = requests.get(pages[-1], timeout=60).text
    return pages, [at + photo for photo in dict.fromkeys(photos)]


def _bare(pages: list[str], photos: list[str]) -> float:
    began = time.monotonic()
    with requests.Session() as session, ThreadPoolExecutor(SETTINGS.at_once) as pool:
        for page in pages:
            session.get(page, timeout=60).content  # noqa: B018
        list(pool.map(lambda photo: session.get(photo, timeout=60).content, photos))
    return time.monotonic() - began


@contextmanager
def served(listings: int, photo_size: int, changes: dict[str, float]) -> Iterator[str]:
    """Run the demo's server in another process."""
    options = [f"--{name.replace('_', '-')}={value}" for name, value in changes.items()]
    process = subprocess.Popen(
        [sys.executable, "-m", "src.collect.demo.server", f"--listings={listings}", "--port=0",
         f"--photo-size={photo_size}", *options],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        found = re.search(r"http://[\d.]+:\d+", process.stdout.readline())
        assert found is not None, "the demo's server did not start"
        yield found[0]
    finally:
        process.terminate()
        process.wait()


if __name__ == "__main__":
    main()
