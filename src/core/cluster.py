"""Work on the machines of a Ray cluster, or on this machine's processors where none is named."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from src.core.errors import UserError

# Of a cluster that is this machine alone.
_OBJECT_STORE_BYTES = 500_000_000


@contextmanager
def ray_session(workers: int | None = None) -> Iterator[None]:
    """Connect to the cluster that RAY_ADDRESS names; without one, start one of this machine.

    Args:
        workers: how many processors this machine gives; None for all.

    Raises:
        UserError: Ray is not installed.
    """
    require_ray()
    # Read when Ray is imported: nothing is reported to its makers.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    # By itself Ray starts workers at nice 15: whatever else runs here would all but stop them.
    os.environ.setdefault("RAY_worker_niceness", "0")
    import ray

    if ray.is_initialized():
        yield
        return
    quiet: dict[str, Any] = {"logging_level": logging.ERROR, "log_to_driver": False}
    if address := os.environ.get("RAY_ADDRESS"):
        code = str(Path(__file__).parents[1])
        ray.init(address, runtime_env={"py_modules": [code]}, **quiet)
    else:
        ray.init(
            "local",
            num_cpus=workers or os.cpu_count(),
            include_dashboard=False,
            object_store_memory=_OBJECT_STORE_BYTES,
            **quiet,
        )
    try:
        yield
    finally:
        ray.shutdown()


def require_ray() -> None:
    """Raise UserError where Ray is not installed."""
    if find_spec("ray") is None:
        raise UserError("the engine ray needs Ray: pip install '.[cluster]'")
