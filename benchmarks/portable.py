"""Whether `portable: true` gives equal bytes on other processors, which qemu-user emulates.

    python -m benchmarks.portable --cpus Haswell EPYC

A small demo is collected once. Its text and image row, on frozen features, are then trained on this
processor and on each emulated one, and every file is compared. Emulation is some fifty times slower
than the processor: expect a quarter of an hour for each. It needs `qemu-x86_64` (Debian's package
qemu-user), whose `-cpu help` lists the processors, and a processor with AVX2.
"""

from __future__ import annotations

import argparse
import hashlib
import shutil
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from ruamel.yaml import YAML

from benchmarks.small_demo import make_small_demo, run_stage

COMPARED = ("train_text tfidf", "train_image efficientnet")
# What those stages write, and what each file belongs to.
OUTPUTS = {
    "tfidf: logistic regression, SVD": "data/*/tfidf",
    "efficientnet: frozen features, kernel ridge": "data/*/efficientnet",
}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--cpus", nargs="+", default=["Haswell", "EPYC"])
    options.add_argument("--listings", type=int, default=60)
    given = options.parse_args()
    settings = {"this processor": ("portable", []), "the same, not portable": ("default", [])}
    for cpu in given.cpus:
        settings[cpu] = ("portable", ["qemu-x86_64", "-cpu", cpu])
    with TemporaryDirectory() as folder:
        start = Path(folder) / "start"
        make_small_demo(start, given.listings, "efficientnet", {}, {"folds": 2})
        found = {}
        for name, (mode, prefix) in settings.items():
            copy = Path(folder) / name
            shutil.copytree(start, copy)
            change_params(copy, portable=mode == "portable")
            started = time.perf_counter()
            for stage in COMPARED:
                run_stage(copy, stage, prefix)
            print(f"{name}: {time.perf_counter() - started:.0f} s", flush=True)
            found[name] = digests(copy)
    print_table(found)


def change_params(folder: Path, portable: bool) -> None:
    yaml = YAML()
    params = yaml.load(folder / "params.yaml")
    params["portable"] = portable
    yaml.dump(params, folder / "params.yaml")


def digests(folder: Path) -> dict[str, str]:
    """Return one hash for each of OUTPUTS."""
    found = {}
    for name, pattern in OUTPUTS.items():
        files = sorted(
            file
            for place in folder.glob(pattern)
            if "tokens" not in place.parts and "weights" not in place.parts
            for file in place.rglob("*")
            if file.is_file()
        )
        total = hashlib.sha256()
        for file in files:
            total.update(f"{file.relative_to(folder)}".encode() + file.read_bytes())
        found[name] = total.hexdigest()
    return found


def print_table(found: dict[str, dict[str, str]]) -> None:
    """Print which settings gave the bytes of this processor with `portable: true`."""
    first, *others = found
    print(f"\n| bytes of | {' | '.join(others)} |\n| --- |{' --- |' * len(others)}")
    for name, digest in found[first].items():
        equal = ["equal" if found[other][name] == digest else "differ" for other in others]
        print(f"| {name} | {' | '.join(equal)} |")


if __name__ == "__main__":
    main()
