"""Converted networks: OpenVINO computes the features of listings, without PyTorch."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from queue import SimpleQueue
from threading import RLock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from src.core.errors import UserError
from src.core.parallel import processors

# The layers and, in features.bin beside it, the weights: numbers, no code.
CONVERTED = "features.xml"
WEIGHTS = "features.bin"
# Threads that read networks side by side share one environment, and one OpenVINO.
_quiet = RLock()


class ConvertedNetwork:
    """A network that `src.encoders.common.convert` wrote into a folder.

    Args:
        bfloat16: multiply in bfloat16 where the processor has units for it.
        at_once: how many batches are computed side by side, by an equal share of the threads each;
            as many as `processors` says: then no feature depends on how many these are.

    Raises:
        UserError: a file is missing or broken.
    """

    def __init__(self, folder: Path, bfloat16: bool = False, at_once: int = 1) -> None:
        settings: dict[str, Any] = {
            "INFERENCE_PRECISION_HINT": "bf16" if bfloat16 else "f32",
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_NUM_THREADS": processors(),
            "NUM_STREAMS": at_once,
        }
        with _quiet:
            core = _openvino()
        try:
            compiled = core.compile_model(folder / CONVERTED, "CPU", settings)
        except RuntimeError as error:
            reason = str(error).strip().splitlines()[-1]
            raise UserError(
                f"{folder / CONVERTED} is not a whole network ({reason}); run the stage that "
                "wrote it again"
            ) from error
        # The threads of a server share them.
        self._free: SimpleQueue[Any] = SimpleQueue()
        for _ in range(at_once):
            self._free.put(compiled.create_infer_request())

    def features(self, *inputs: NDArray[Any]) -> NDArray[np.float32]:
        """Return features [B, D] of photos [B, S, S, 3], or of tokens and their mask [B, L]."""
        request = self._free.get()
        try:
            found: NDArray[np.float32] = request.infer(inputs, share_inputs=True)[0]
        finally:
            self._free.put(request)
        return found


@cache
def _openvino() -> Any:
    # One for the process, which is never given up: its plugin sets a stack for signals, and several
    # that end in another order than they began leave one that is gone: the next signal kills.
    with no_telemetry():
        import openvino
    # Its first use of numpy takes two locks; two threads at once would wait for each other.
    openvino.Tensor(np.zeros(1, np.float32))
    return openvino.Core()


def copy_converted(folder: Path, out: Path) -> None:
    """Copy a converted network into another folder."""
    for name in (CONVERTED, WEIGHTS):
        shutil.copyfile(folder / name, out / name)


def read_converted(folder: Path) -> dict[str, bytes]:
    """Return the files of a converted network, for another machine."""
    return {name: (folder / name).read_bytes() for name in (CONVERTED, WEIGHTS)}


@contextmanager
def no_telemetry() -> Iterator[None]:
    """Have OpenVINO do as in CI: else its import and converter report to Intel, and write files.

    Its own switch, `opt_in_out --opt_out`, would change the user's home folder.
    """
    with _quiet:
        before = os.environ.get("CI")
        os.environ["CI"] = "true"
        try:
            yield
        finally:
            if before is None:
                del os.environ["CI"]
            else:
                os.environ["CI"] = before
