"""What was measured, when and where: kept by benchmark as JSON, a table and a picture."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from benchmarks.lines import Line, table
from benchmarks.machine import in_words
from src.core.files import read_json, replacing

# By the name of a benchmark: date, commit, machine, seconds, and lines as dicts of Line.
Results = dict[str, dict[str, Any]]


def read(path: Path) -> Results:
    results: Results = read_json(path) if path.exists() else {}
    return results


def merged(old: Results, new: Results, order: list[str]) -> Results:
    """Take `new` over `old` by benchmark, in the given order; one without lines changes nothing."""
    both = old | {name: one for name, one in new.items() if one["lines"]}
    return {name: both[name] for name in order if name in both}


def lines_of(results: Results) -> list[Line]:
    return [Line(**line) for one in results.values() for line in one["lines"]]


def write(path: Path, results: Results) -> None:
    """Write `path` (.json), and beside it the table (.md) and the picture (.svg)."""
    # Imported late: matplotlib is slow to come, and no benchmark's own process needs it.
    from benchmarks.picture import draw

    with replacing(path) as beside:
        # Not sorted: the order is that of the benchmarks.
        beside.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")
    with replacing(path.with_suffix(".md")) as beside:
        beside.write_text(as_markdown(results), encoding="utf-8")
    with replacing(path.with_suffix(".svg")) as beside:
        draw(lines_of(results), beside)


def as_markdown(results: Results) -> str:
    """The table, and under it which benchmark ran when, on which commit and machine."""
    machines: list[dict[str, Any]] = []
    runs = ""
    for name, one in results.items():
        if one["machine"] not in machines:
            machines.append(one["machine"])
        number = machines.index(one["machine"]) + 1
        runs += (
            f"| {name} | {one['date']} | {one['commit']} | {number} | {one['seconds']:.0f} s |\n"
        )
    described = "".join(f"{i}. {in_words(machine)}\n" for i, machine in enumerate(machines, 1))
    return (
        f"{table(lines_of(results))}\n"
        "| benchmark | date | commit | machine | took |\n| --- | --- | --- | --- | --- |\n"
        f"{runs}\nMachines:\n\n{described}"
    )
