"""How a network runs fastest on this machine: tried out once, then remembered for the machine."""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Callable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import platformdirs
import torch
from filelock import FileLock

from src.core.files import read_json, write_json

# Another way must gain this much: less is not worth other rounding, and could be chance.
WORTH_IT = 1.3
# With fewer rows than this, trying out takes longer than what it saves.
MIN_ROWS = 500
# For so long is a way tried at least.
TRIED_S = 0.5
_STORE = "speed.json"

# Seconds that a way takes to set up, and rows per second after that; none where it failed.
Speeds = dict[str, dict[str, float] | None]
# Sets a way up and gives what runs one batch of a known number of rows.
Setup = Callable[[], Callable[[], Any]]


def fastest(ways: Mapping[str, Setup], what: str, batch: int, rows: int) -> str:
    """Return the way that takes the least seconds for so many rows; the first if in doubt.

    The measured speeds are kept in the user's cache folder, so the choice, and with it every byte
    of what is computed, stays the same on this machine until a library or the processor changes.

    Args:
        ways: by name, what to try; a way that raises is left out.
        what: the network and its input's size.
        batch: rows in the batch that the ways run.
        rows: how many there are to do; below MIN_ROWS nothing is tried.
    """
    first = next(iter(ways))
    if rows < MIN_ROWS or len(ways) == 1:
        return first
    speeds = _remembered(f"{what}: {', '.join(ways)}; {_machine()}", ways, batch)
    seconds = {
        name: speed["setup_s"] + rows / speed["rows_per_s"]
        for name, speed in speeds.items()
        if speed is not None
    }
    best = min(seconds, key=lambda name: seconds[name])
    return best if seconds[first] > WORTH_IT * seconds[best] else first


def _remembered(key: str, ways: Mapping[str, Setup], batch: int) -> Speeds:
    folder = platformdirs.user_cache_path("listing-classifier")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / f"{_STORE}.lock"):
            known = _read(folder / _STORE)
            if key not in known:
                known[key] = {name: _measured(setup, batch) for name, setup in ways.items()}
                write_json(folder / _STORE, known)
            return dict(known[key])
    except OSError:
        # A home that cannot be written: measure, and forget.
        return {name: _measured(setup, batch) for name, setup in ways.items()}


def _read(path: Path) -> dict[str, Speeds]:
    try:
        return dict(read_json(path))
    except (FileNotFoundError, json.JSONDecodeError):
        return {}


def _measured(setup: Setup, batch: int) -> dict[str, float] | None:
    try:
        # Dropout in what is tried must not shift the draws of what follows.
        with torch.random.fork_rng(devices=[]):
            started = time.perf_counter()
            run = setup()
            run()
            setup_s = time.perf_counter() - started
            # The best of a while: three runs of a small network all fit into one disturbance.
            times = [_timed(run) for _ in range(3)]
            while sum(times) < TRIED_S:
                times.append(_timed(run))
    except Exception:  # Backends fail in their own ways; a failed one is not chosen.
        return None
    return {"setup_s": round(setup_s, 3), "rows_per_s": round(batch / min(times), 2)}


def _timed(run: Callable[[], Any]) -> float:
    started = time.perf_counter()
    run()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - started


def has_bfloat16() -> bool:
    """Tell whether the processor multiplies bfloat16 itself; done in software it crawls."""
    return any(there for name, there in torch.cpu.get_capabilities().items() if "bf16" in name)


def _machine() -> str:
    """What the speeds hold for: processor or GPU, threads, libraries."""
    cpu = torch.cpu.get_capabilities().get("cpu_name") or platform.processor()
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU"
    try:
        openvino = f"openvino {version('openvino')}"
    except PackageNotFoundError:
        openvino = "no openvino"
    kinds = f"{cpu} {torch.backends.cpu.get_cpu_capability()}, bfloat16 {has_bfloat16()}"
    return (
        f"{kinds}; {torch.get_num_threads()} threads; {gpu}; torch {torch.__version__}; {openvino}"
    )
