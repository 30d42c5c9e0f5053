"""Two ways to do one thing, timed by turns, each in a process of its own.

from benchmarks.compare import compare
compare(ours=(set_up, {"files": files}), plain=(set_up_plain, {"files": files}), rounds=5)
"""

from __future__ import annotations

import resource
import time
import traceback
from collections.abc import Callable
from contextlib import ExitStack
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from types import TracebackType
from typing import Any, NamedTuple

# A function of a module that loads and prepares, and returns what is to be timed, with its keyword
# arguments. It runs in the new process, so nothing of the parent but these arguments reaches it.
Way = tuple[Callable[..., Callable[[], Any]], dict[str, Any]]

# Idle threads spin before they sleep: torch's for some 10 ms, OpenBLAS's for some 100 ms.
SETTLE_S = 0.15
MOST_S = 60


class Compared(NamedTuple):
    """Ours against plain.

    Attributes:
        ratio: median over the rounds of plain over ours: how many times faster ours is.
        spread: lowest and highest ratio of a round.
        ours_s, plain_s: median seconds of a call.
        ours_mb, plain_mb: peak resident memory of each process from its start, libraries included.
        ours, plain: what the last timed call of each returned.
    """

    ratio: float
    spread: tuple[float, float]
    ours_s: float
    plain_s: float
    ours_mb: float
    plain_mb: float
    ours: Any = None
    plain: Any = None


def compare(ours: Way, plain: Way, rounds: int, warm_up: int = 1) -> Compared:
    """Time both ways once a round, in turned order each round, so that drift strikes both.

    Args:
        rounds: at most; no further one begins once they have taken MOST_S, which a slow machine
            does after one.
        warm_up: calls of each way before the first timed one.
    """
    with ExitStack() as sides:
        first, second = (sides.enter_context(Side(*way)) for way in (ours, plain))
        for _ in range(warm_up):
            first.call(), second.call()
        times: list[dict[Side, float]] = []
        until = time.monotonic() + MOST_S
        for number in range(rounds):
            if times and time.monotonic() > until:
                break
            order = (first, second) if number % 2 == 0 else (second, first)
            times.append({side: side.call() for side in order})
        ratios = [seconds[second] / seconds[first] for seconds in times]
        return Compared(
            median(ratios),
            (min(ratios), max(ratios)),
            median(seconds[first] for seconds in times),
            median(seconds[second] for seconds in times),
            first.peak_mb(),
            second.peak_mb(),
            first.output(),
            second.output(),
        )


class Side:
    """One way in a process of its own, which sleeps until it is asked to work."""

    def __init__(self, set_up: Callable[..., Callable[[], Any]], given: dict[str, Any]) -> None:
        context = get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs, set_up, given))
        self.process.start()
        # With no copy of the other end here, a process that dies is an EOFError and no hang.
        theirs.close()
        self._receive()

    def __enter__(self) -> Side:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.pipe.close()
        self.process.join()

    def call(self) -> float:
        """Do it once; return its seconds."""
        time.sleep(SETTLE_S)
        return float(self._ask("call"))

    def output(self) -> Any:
        """What the last call returned."""
        return self._ask("output")

    def peak_mb(self) -> float:
        return float(self._ask("peak_mb"))

    def _ask(self, what: str) -> Any:
        self.pipe.send(what)
        return self._receive()

    def _receive(self) -> Any:
        try:
            failed, answer = self.pipe.recv()
        except EOFError:
            self.process.join()
            raise RuntimeError(f"a side ended with status {self.process.exitcode}") from None
        if failed:
            raise RuntimeError(answer)
        return answer


def peak_mb() -> float:
    """Peak resident memory of this process, in MB."""
    status = Path("/proc/self/status")
    if status.exists():
        # Not ru_maxrss, which on Linux starts at the peak of the process that started this one.
        return int(status.read_text().split("VmHWM:")[1].split()[0]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def _serve(
    pipe: Connection, set_up: Callable[..., Callable[[], Any]], given: dict[str, Any]
) -> None:
    output: Any = None
    try:
        timed = set_up(**given)
        pipe.send((False, None))
        while True:
            try:
                asked = pipe.recv()
            except EOFError:
                return
            if asked == "call":
                output = None  # Freed before the next one is made.
                began = time.perf_counter()
                output = timed()
                pipe.send((False, time.perf_counter() - began))
            else:
                pipe.send((False, output if asked == "output" else peak_mb()))
    except Exception as error:
        traceback.print_exc()
        pipe.send((True, f"{type(error).__name__}: {error}"))
