"""From listings on disk to the table, the report and the runs, against the usual script.

Ours is `dvc repro` in a fresh copy of this repository: a table of the demo's listings as source,
EfficientNet-Lite0 as it is under a kernel machine, TF-IDF, the five fused rows. The usual script
(`benchmarks.plain`) fine-tunes, decoding photos each epoch, in float32, texts padded to 512 tokens;
its epochs take hours, so their time is extrapolated from a batch of each kind of work.
"""

from __future__ import annotations

import multiprocessing
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from dvc.utils.collections import merge_dicts
from dvc.utils.serialize import modify_yaml
from numpy.typing import NDArray

from benchmarks.lines import Line
from benchmarks.market import first_listings, market_folder

# What the usual script fine-tunes; the first for a job of one photo row.
USUAL = ("tf_efficientnet_lite0", "resnet50", "plain_cnn")
TEXT = "rubert-tiny2"
# Listings of the demo as params.yaml has it.
DEMO = 1200
SIZES = (1000, 3000, 9000, 27_000)
QUICK_SIZES = (300,)
FOLDER = Path(".work/benchmarks")
# So long it takes at most; a size that would take longer on this machine is left out, and named.
MOST_S, QUICK_MOST_S = 1300, 240
# Stages that the table does not need.
QUICK_TARGET = "evaluate"
MAX_MB = 3072


def run(quick: bool) -> list[Line]:
    most_s = QUICK_MOST_S if quick else MOST_S
    until = time.monotonic() + most_s
    sizes = QUICK_SIZES if quick else SIZES
    market = market_folder(FOLDER, max(sizes))
    given: list[tuple[Any, tuple[Any, ...]]] = [(_usual_text, (market, max(sizes)))]
    given += [
        (_usual_image, (market, max(sizes), network)) for network in USUAL[: 1 if quick else None]
    ]
    each: dict[str, float] = {}
    for work, arguments in given:
        with suppress(TimeoutError):
            each |= _apart(work, arguments, most_s / 4)
    # EfficientNet as it is, TF-IDF, and all fused rows; in the quick form two of them.
    rows = {"image": ["efficientnet"], "text": ["tfidf"]}
    if quick:
        rows["fused"] = ["logreg", "stack"]
    lines, seconds = [], []
    for listings in sizes:
        name = f"whole job, {listings:,} listings"
        left = until - time.monotonic()
        if seconds and growing(sizes[: len(seconds)], seconds, listings) > left:
            lines.append(Line(name, note=f"left out: more than the {left:.0f} s that are left"))
            continue
        try:
            took, mb, said = _apart(_repro_of_table, (market, listings, rows, left, quick))
        except subprocess.TimeoutExpired as error:
            lines.append(Line(name, met=False, note=f"not done in {error.timeout:.0f} s"))
            break
        seconds.append(took)
        lines.append(_line(name, listings, took, mb, said, each, (USUAL[0], TEXT)))
        lines.append(
            Line(f"memory, {listings:,} listings", target=f"at most {MAX_MB} MB", ours_mb=mb,
                 met=mb <= MAX_MB, note="greatest of all stages, mapped photos included")
        )  # fmt: skip
    if quick:
        return lines
    if len(seconds) > 1:
        done = sizes[: len(seconds)]
        slope = np.polyfit(np.log(done), np.log(seconds), 1)[0]
        said = ", ".join(f"{n:,}: {s:.0f} s" for n, s in zip(done, seconds, strict=True))
        lines.append(Line("time against listings", note=f"exponent {slope:.2f} ({said})"))
    name, left = "whole job, dvc repro as it comes", until - time.monotonic()
    try:
        took, mb, said = _apart(_repro, ({}, left))
    except subprocess.TimeoutExpired:
        return [*lines, Line(name, note=f"left out: more than the {left:.0f} s that are left")]
    # The demo's EfficientNet is fitted twice, with albumentations and without.
    lines.append(_line(name, DEMO, took, mb, said, each, (*USUAL, USUAL[0], TEXT)))
    return lines


def growing(sizes: Sequence[int], seconds: Sequence[float], size: int) -> float:
    """Return the seconds that a larger size will take at most, by those that are done.

    After one it grows in proportion; after two as it did between them, and in proportion at most.
    """
    ratio = size / sizes[-1]
    if len(seconds) > 1:
        slope = np.log(seconds[-1] / seconds[-2]) / np.log(sizes[-1] / sizes[-2])
        ratio **= min(float(slope), 1.0)
    return seconds[-1] * ratio


def _line(
    name: str,
    listings: int,
    took: float,
    mb: float,
    said: str,
    each: dict[str, float],
    parts: Sequence[str],
) -> Line:
    """Judge a job by seconds a listing of each part of the usual script, if they are known."""
    if not set(parts) <= each.keys():
        late = ", ".join(sorted(set(parts) - each.keys()))
        return Line(name, took, ours_mb=mb, note=f"{said}; too slow here to be timed: {late}")
    usual = listings * sum(each[part] for part in parts)
    shown = ", ".join(f"{part} {listings * each[part] / 60:.3g} min" for part in parts)
    note = f"{said}; the usual script's time is extrapolated: {shown}"
    return Line(
        name, took, usual, usual / took, None, "at least 10", usual >= 10 * took, mb, None, note
    )


def _apart(work: Any, given: tuple[Any, ...], most_s: float | None = None) -> Any:
    """Do it in a process of its own, whose peak of memory is then its own as well.

    Raises:
        TimeoutError: it has started nothing else, and was not done in `most_s`.
    """
    with get_context("spawn").Pool(1) as pool:
        try:
            return pool.apply_async(work, given).get(most_s)
        except multiprocessing.TimeoutError as error:
            raise TimeoutError from error


def _repro_of_table(
    market: Path, listings: int, rows: dict[str, list[str]], most_s: float, quick: bool
) -> tuple[float, float, str]:
    """Run the job on the first so many listings, with some rows of the table."""
    with tempfile.TemporaryDirectory() as folder:
        ads = Path(folder) / "ads"
        first_listings(market, listings, ads)
        table = {"source": "table", "table": {"folder": str(ads)}}
        changes = {"collect": table, "rows": rows, "text_model": "tfidf"}
        return _repro(changes, most_s, [QUICK_TARGET] if quick else [])


def _repro(
    changes: dict[str, Any], most_s: float, targets: Sequence[str] = ()
) -> tuple[float, float, str]:
    """Seconds, peak MB of the largest process, and what the table says.

    Raises:
        subprocess.TimeoutExpired: it was not done in `most_s`.
    """
    with tempfile.TemporaryDirectory() as folder:
        repo = Path(folder)
        _copy(repo)
        with modify_yaml(str(repo / "params.yaml")) as params:
            merge_dicts(params, changes)
        began = time.perf_counter()
        dvc = [sys.executable, "-m", "dvc", "repro", *targets]
        done = run_for(dvc, repo, most_s)
        took = time.perf_counter() - began
        if done.returncode:
            raise RuntimeError(done.stderr[-2000:])
        table = pd.read_csv(repo / "metrics/table.csv").set_index("row")["f1_macro"]
        said = ", ".join(f"{row} {table[row]:.3f}" for row in ("efficientnet", "tfidf", "stack"))
        mb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        return took, mb, f"macro F1 {said}"


def run_for(command: list[str], folder: Path, most_s: float) -> subprocess.CompletedProcess[str]:
    """Run a command; with it, what it has started ends when the time is over."""
    process = subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip
    try:
        said, errors = process.communicate(timeout=max(most_s, 1))
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    return subprocess.CompletedProcess(command, process.returncode, said, errors)


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


def _usual_image(market: Path, listings: int, network: str) -> dict[str, float]:
    """Seconds a listing of the usual script's work on photos, from a batch of it."""
    from benchmarks import plain
    from src.encoders.weights.fetch import IMAGE_PACKAGES

    table, y = _first(market, listings)
    files: list[Path | None] = [market / "images" / name for name in table["image"] if name]
    kind = "package" if network in IMAGE_PACKAGES else "random"
    with tempfile.TemporaryDirectory() as folder:
        model = plain.image_network(network, kind, Path(folder) / "image", int(y.max()) + 1)
        data = plain.Photos(files, y)
        model(data[0][0][None].repeat(2, 1, 1, 1))
        seconds = _timed(model, data, plain.IMAGE_EPOCHS)
    return {network: seconds * len(files) / listings}


def _usual_text(market: Path, listings: int) -> dict[str, float]:
    """Seconds a listing of the usual script's work on texts, from a batch of it."""
    from benchmarks import plain

    table, y = _first(market, listings)
    texts = (table["title"] + ". " + table["description"]).tolist()
    with tempfile.TemporaryDirectory() as folder:
        model, tokenizer = plain.text_network(
            f"cointegrated/{TEXT}", "random", Path(folder) / "text", texts[:1000], int(y.max()) + 1
        )
        data = plain.Texts(texts[: plain.BATCH], tokenizer, y[: plain.BATCH])
        return {TEXT: _timed(model, data, plain.TEXT_EPOCHS)}


def _first(market: Path, listings: int) -> tuple[pd.DataFrame, NDArray[np.int64]]:
    table = pd.read_csv(market / "listings.csv", nrows=listings, keep_default_na=False)
    return table, np.unique(table["category"], return_inverse=True)[1]


def _timed(model: Any, data: Any, epochs: int) -> float:
    """Seconds a row: fitted on six of ten rows in each epoch, all scored once."""
    import torch
    from torch.utils.data import Subset

    from benchmarks import plain

    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
    # A first batch, a small one, warms up.
    plain.train_epoch(model, Subset(data, range(2)), optimizer, 1)
    fitted = plain.train_epoch(model, data, optimizer, 1)
    scored, _, _ = plain.embed(model, data, 1)
    return 0.6 * epochs * fitted + scored
