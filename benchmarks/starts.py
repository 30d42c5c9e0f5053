"""How long each stage takes to import what it needs, over `import numpy, pandas`; in CPU seconds.

`python -X importtime -m stages.NAME` says where they go.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from statistics import median

from benchmarks.lines import Line

ROOT = Path(__file__).parents[1]
PLAIN = "import numpy, pandas"
# A fifth above what was measured.
AT_MOST = {
    "check": 4.7,
    "collect": 2.8,
    "pack": 2.2,
    "prepare": 2.9,
    "weights_image": 9.5,
    "weights_text": 1.0,
    "tokenize": 2.0,
    "train_image": 9.5,
    "train_text": 5.1,
    "join": 5.1,
    "fuse": 5.2,
    "leaky": 5.2,
    "evaluate": 5.4,
    "bundle": 5.3,
    "report": 2.3,
    "track": 0.95,
}


def run(quick: bool) -> list[Line]:
    # The first time they come from the disk.
    cpu_seconds(PLAIN)
    return [judged(stage, limit, 2 if quick else 5) for stage, limit in AT_MOST.items()]


def judged(stage: str, at_most: float, rounds: int) -> Line:
    """Compare a stage's imports with the plain ones, by turns."""
    code = f"import stages.{stage}"
    cpu_seconds(code)
    times = [(cpu_seconds(code), cpu_seconds(PLAIN)) for _ in range(rounds)]
    ratios = [ours / plain for ours, plain in times]
    ours, plain = (median(side) for side in zip(*times, strict=True))
    ratio = median(ratios)
    return Line(
        f"start: stage {stage}, CPU seconds", ours, plain, ratio, (min(ratios), max(ratios)),
        target=f"at most {at_most:g}", met=ratio <= at_most, note=f"plain: `{PLAIN}`",
    )  # fmt: skip


def cpu_seconds(code: str) -> float:
    """Run code in a process of its own; return the seconds of CPU, those of Python included."""
    shown = f"{code}\nimport time; print(time.process_time())"
    done = subprocess.run(
        [sys.executable, "-c", shown], cwd=ROOT, check=True, capture_output=True, text=True
    )
    return float(done.stdout)
