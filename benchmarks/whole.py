"""From listings on disk to the table, the report and the runs, against the usual script.

Ours is `dvc repro` in a fresh copy of this repository: a table of the demo's listings as source,
EfficientNet-Lite0 as it is under a kernel machine, TF-IDF, the five fused rows. The usual script
(`benchmarks.plain`) fine-tunes, decoding photos each epoch, in float32, texts padded to 512 tokens;
its epochs take hours, so their time is extrapolated from some batches of each kind of work.
"""

from __future__ import annotations

import resource
import shutil
import subprocess
import sys
import tempfile
import time
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from dvc.utils.serialize import modify_yaml

from benchmarks.lines import Line
from benchmarks.market import first_listings, market_folder

SIZES = (1000, 3000, 9000, 27_000)
QUICK_SIZES = (300, 900)
FOLDER = Path(".work/benchmarks")
MAX_MB = 3072
# Batches of the usual script that are timed.
BATCHES = 4


def run(quick: bool) -> list[Line]:
    sizes = QUICK_SIZES if quick else SIZES
    market = market_folder(FOLDER, max(sizes))
    each = _apart(_usual, (market, max(sizes), 2 if quick else BATCHES))
    lines, seconds = [], []
    for listings in sizes:
        took, mb, notes = _apart(_repro, (market, listings))
        seconds.append(took)
        usual = listings * sum(each.values())
        hours = ", ".join(f"{what} {listings * s / 3600:.2g} h" for what, s in each.items())
        lines.append(
            Line(
                f"whole job, {listings:,} listings", took, usual, usual / took, None, "at least 10",
                usual >= 10 * took, mb, None,
                f"{notes}; the usual script's time is extrapolated: {hours}",
            )
        )  # fmt: skip
        lines.append(
            Line(f"memory, {listings:,} listings", target=f"at most {MAX_MB} MB", ours_mb=mb,
                 met=mb <= MAX_MB, note="greatest of all stages, mapped photos included")
        )  # fmt: skip
    slope = np.polyfit(np.log(sizes), np.log(seconds), 1)[0]
    said = ", ".join(f"{n:,}: {s:.0f} s" for n, s in zip(sizes, seconds, strict=True))
    lines.append(Line("time against listings", note=f"exponent {slope:.2f} ({said})"))
    return lines


def _apart(work: Any, given: tuple[Any, ...]) -> Any:
    """Do it in a process of its own, whose peak of memory is then its own as well."""
    with get_context("spawn").Pool(1) as pool:
        return pool.apply(work, given)


def _repro(market: Path, listings: int) -> tuple[float, float, str]:
    """Seconds, peak MB of the largest process, and what the table says."""
    with tempfile.TemporaryDirectory() as folder:
        repo = Path(folder) / "repo"
        _copy(repo)
        first_listings(market, listings, Path(folder) / "ads")
        with modify_yaml(str(repo / "params.yaml")) as params:
            params["collect"]["source"] = "table"
            params["collect"]["table"]["folder"] = str(Path(folder) / "ads")
            params["rows"] = params["rows"] | {"image": ["efficientnet"], "text": ["tfidf"]}
        began = time.perf_counter()
        dvc = [sys.executable, "-m", "dvc", "repro"]
        done = subprocess.run(dvc, cwd=repo, capture_output=True, text=True)
        took = time.perf_counter() - began
        if done.returncode:
            raise RuntimeError(done.stderr[-2000:])
        table = pd.read_csv(repo / "metrics/table.csv").set_index("row")["f1_macro"]
        said = ", ".join(f"{row} {table[row]:.3f}" for row in ("efficientnet", "tfidf", "stack"))
        mb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        return took, mb, f"macro F1 {said}"


def _copy(out: Path) -> None:
    """Copy what git would have of the working tree, without results."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"], capture_output=True, check=True,
        text=True,
    ).stdout  # fmt: skip
    for name in filter(None, listed.split("\0")):
        if name != "dvc.lock" and not name.startswith("metrics/") and Path(name).exists():
            (out / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(name, out / name)
    cache = [sys.executable, "-m", "dvc", "config", "-q", "cache.dir", str(out / ".dvc/cache")]
    for command in (["git", "init", "-q"], cache):
        subprocess.run(command, cwd=out, check=True)


def _usual(market: Path, listings: int, batches: int) -> dict[str, float]:
    """Seconds a listing of each part of the usual script, from batches of it."""
    import torch

    from benchmarks import plain

    table = pd.read_csv(market / "listings.csv", nrows=listings, keep_default_na=False)
    files = [market / "images" / name if name else None for name in table["image"]]
    classes, y = np.unique(table["category"], return_inverse=True)
    texts = (table["title"] + ". " + table["description"]).tolist()
    seconds = {}
    with tempfile.TemporaryDirectory() as folder:
        image = plain.image_network(
            "tf_efficientnet_lite0", "package", Path(folder) / "image", len(classes)
        )
        text, tokenizer = plain.text_network(
            "cointegrated/rubert-tiny2", "random", Path(folder) / "text", texts, len(classes)
        )
        few = texts[: plain.BATCH * (batches + 1)]
        with_photo = [path for path in files if path is not None]
        datas = (
            ("photos", image, plain.Photos(with_photo, y), len(with_photo) / listings,
             plain.IMAGE_EPOCHS),
            ("texts", text, plain.Texts(few, tokenizer, y[: len(few)]), 1.0, plain.TEXT_EPOCHS),
        )  # fmt: skip
        for name, model, data, share, epochs in datas:
            model(torch.stack([data[0][0]] * 2) if name == "photos" else
                  {k: v[:2] for k, v in data.tokens.items()})  # fmt: skip
            optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
            # The first batch warms up.
            plain.train_epoch(model, data, optimizer, 1)
            fit = plain.train_epoch(model, data, optimizer, batches)
            score, _, _ = plain.embed(model, data, batches)
            seconds[name] = share * (fit * 0.6 * epochs + score)
    return seconds
