"""One line of the table of `make bench`, and the table as text."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from benchmarks.compare import Compared

HEADER = (
    "what", "ours", "plain", "ratio", "spread", "target", "met", "share of this machine's bound",
    "peak MB, ours / plain", "note",
)  # fmt: skip


class Line(NamedTuple):
    """One thing measured; what does not apply is None.

    Attributes:
        ours_s, plain_s: seconds of one timed call, median over the rounds.
        ratio: median over the rounds, of plain over ours, or ours over plain where less is wanted.
        spread: lowest and highest ratio of a round.
        target: what is asked of the ratio, or of whatever the note gives, in words.
        met: whether it is; None where nothing is asked.
        ours_mb, plain_mb: peak resident memory of each side's process.
        bound: how much of what the machine can do at most is reached, of `benchmarks.bounds`; ''
            where nothing bounds it but the plain way.
    """

    name: str
    ours_s: float | None = None
    plain_s: float | None = None
    ratio: float | None = None
    spread: tuple[float, float] | None = None
    target: str = ""
    met: bool | None = None
    ours_mb: float | None = None
    plain_mb: float | None = None
    note: str = ""
    bound: str = ""


def line(
    name: str,
    compared: Compared,
    at_least: float | None = None,
    at_most: float | None = None,
    note: str = "",
    bound: str = "",
) -> Line:
    """Judge a comparison: `at_least` so many times faster, or `at_most` so many times the time."""
    ratio, (low, high) = compared.ratio, compared.spread
    target, met = "", None
    if at_least is not None:
        target, met = f"at least {at_least:g}", ratio >= at_least
    if at_most is not None:
        ratio, low, high = 1 / ratio, 1 / high, 1 / low
        target, met = f"at most {at_most:g}", ratio <= at_most
    return Line(
        name,
        compared.ours_s,
        compared.plain_s,
        ratio,
        (low, high),
        target,
        met,
        compared.ours_mb,
        compared.plain_mb,
        note,
        bound,
    )


def table(lines: Iterable[Line]) -> str:
    """The lines as a Markdown table."""
    rows = [HEADER, ("---",) * len(HEADER), *map(_cells, lines)]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _cells(line: Line) -> tuple[str, ...]:
    spread = "" if line.spread is None else f"{_short(line.spread[0])} to {_short(line.spread[1])}"
    memory = [f"{mb:.0f}" if mb is not None else "–" for mb in (line.ours_mb, line.plain_mb)]
    return (
        line.name,
        _seconds(line.ours_s),
        _seconds(line.plain_s),
        "" if line.ratio is None else _short(line.ratio),
        spread,
        line.target,
        {True: "met", False: "not met", None: ""}[line.met],
        line.bound,
        " / ".join(memory) if memory != ["–", "–"] else "",
        # A cell is one line, and a bar would end it.
        line.note.replace("\n", " ").replace("|", "/"),
    )


def _seconds(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.3g} s" if value >= 1 else f"{value * 1000:.3g} ms"


def _short(ratio: float) -> str:
    return f"{ratio:.0f}" if ratio >= 100 else f"{ratio:.3g}"
