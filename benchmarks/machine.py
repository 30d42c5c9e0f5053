"""What the figures were measured on."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from importlib import metadata
from pathlib import Path

# What makes bf16 and int8 fast or slow.
FLAGS = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "avx512_fp16", "amx_bf16", "amx_int8")
PACKAGES = (
    "torch", "timm", "transformers", "tokenizers", "lightning", "numpy", "scipy", "scikit-learn",
    "pandas", "pillow", "albumentations", "datasketch", "dvc", "mlflow",
)  # fmt: skip


def describe() -> dict[str, object]:
    import torch

    info = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    model = re.search(r"^model name\s*: (.*)$", info, re.MULTILINE)
    flags = re.search(r"^flags\s*: (.*)$", info, re.MULTILINE)
    return {
        "cpu": model[1] if model else platform.processor() or platform.machine(),
        "cores": torch.get_num_threads() if not info else len(os.sched_getaffinity(0)),
        "flags": [flag for flag in FLAGS if flags and flag in flags[1].split()],
        "ram_gib": round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30, 1),
        "os": platform.platform(),
        "python": platform.python_version(),
        "torch_threads": torch.get_num_threads(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "packages": {name: metadata.version(name) for name in PACKAGES},
    }


def in_words(machine: dict[str, object]) -> str:
    """The machine in two lines, for a reader."""
    packages = ", ".join(f"{name} {version}" for name, version in machine["packages"].items())  # type: ignore[attr-defined]
    flags = " ".join(machine["flags"])  # type: ignore[arg-type]
    return (
        f"{machine['cpu']}, {machine['cores']} cores ({flags}), {machine['ram_gib']} GiB, "
        f"{machine['gpu'] or 'no GPU'}, {machine['os']}, {machine['torch_threads']} torch threads, "
        f"Python {machine['python']}; {packages}"
    )


def commit() -> str:
    """The commit that is checked out, with a mark if files differ from it."""
    try:
        head = _git("rev-parse", "--short=10", "HEAD").strip()
        results = ":(exclude)benchmarks/results.*"
        changed = _git("status", "--porcelain", "--untracked-files=no", "--", ".", results)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return f"{head} with changes" if changed.strip() else head


def _git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], check=True, capture_output=True, text=True).stdout
