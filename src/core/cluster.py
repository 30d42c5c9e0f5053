"""Work on the machines of a Ray cluster, or on this machine's processors where none is named."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from src.core.errors import UserError
from src.core.parallel import Item, Result, processors
from src.core.portable import PINS

# So often is an item begun again whose worker died; one that kills every worker ends the job.
RETRIES = 5
# Of a cluster that is this machine alone.
_OBJECT_STORE_BYTES = 500_000_000
# What a worker process has made, by the reference to what made it.
_made: dict[str, Callable[[Any], Any]] = {}


@contextmanager
def ray_session(workers: int | None = None) -> Iterator[None]:
    """Connect to the cluster that RAY_ADDRESS names; without one, start one of this machine.

    Args:
        workers: how many processors this machine gives; None for as many as `processors` says.

    Raises:
        UserError: Ray is not installed, or no cluster answers.
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
        # Workers run this code, with the pins of `portable`.
        pins = {name: os.environ[name] for name in PINS if name in os.environ}
        code = str(Path(__file__).parents[1])
        try:
            _connect(address)
            ray.init(address, runtime_env={"py_modules": [code], "env_vars": pins}, **quiet)
        except (OSError, RuntimeError, ValueError) as error:
            reason = _first_line(error)
            raise UserError(f"RAY_ADDRESS is {address}: no cluster answers ({reason})") from error
    else:
        try:
            ray.init(
                "local",
                num_cpus=workers or processors(),
                include_dashboard=False,
                object_store_memory=_OBJECT_STORE_BYTES,
                **quiet,
            )
        except Exception as error:  # Ray raises this very type, as on a machine that is too busy.
            raise UserError(f"Ray did not start ({_first_line(error)}); run it again") from error
    try:
        yield
    finally:
        ray.shutdown()


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def require_ray() -> None:
    """Raise UserError where Ray is not installed."""
    if find_spec("ray") is None:
        raise UserError("the engine ray needs Ray: pip install '.[cluster]'")


def on_ray(
    make: Callable[[], Callable[[Item], Result]],
    items: Iterable[Item],
    *,
    cpus: int = 1,
    gpus: int = 0,
    ordered: bool = True,
    ahead: int | None = None,
    each_second: Callable[[], None] = lambda: None,
) -> Iterator[Result]:
    """Yield `make()(item)` for every item, computed by tasks on the cluster.

    Each worker process calls `make` once. An item whose worker dies is begun again, RETRIES times.
    Call it inside `ray_session`.

    Args:
        cpus, gpus: what one item takes; a worker uses so many threads.
        ordered: yield in the order of the items, and not as they are done.
        ahead: how many items may be in flight; None for eight per worker.
        each_second: called while the next result is waited for.

    Raises:
        UserError: a worker raised it, or died too often; no machine has so many processors.
    """
    import ray

    if all(node["Resources"].get("CPU", 0) < cpus for node in ray.nodes() if node["Alive"]):
        raise UserError(
            f"no machine of the cluster gives {cpus} processors, as many as this one has; set "
            "OMP_NUM_THREADS to fewer"
        )
    made = ray.put(make)
    task = ray.remote(num_cpus=cpus, num_gpus=gpus, max_retries=RETRIES)(_work)
    ahead = ahead or 8 * max(1, int(ray.cluster_resources().get("CPU", 0)) // cpus)
    pending: list[Any] = []

    def next_done() -> Result:
        while not (done := ray.wait(pending[:1] if ordered else pending, timeout=1)[0]):
            each_second()
        pending.remove(done[0])
        try:
            result: Result = ray.get(done[0])
        except ray.exceptions.RayError as error:
            raise UserError(
                f"a worker of Ray died {RETRIES + 1} times over the same work "
                f"({why_it_died(error)}); see whether its machine has enough memory and disk, then "
                "run it again"
            ) from error
        return result

    for item in items:
        # In a list Ray leaves a reference as it is.
        pending.append(task.remote([made], item))
        if len(pending) >= ahead:
            yield next_done()
    while pending:
        yield next_done()


def why_it_died(error: Exception) -> str:
    """Return in one line why Ray gave up a task; raise what the task itself has raised.

    Args:
        error: one of Ray's.
    """
    import ray

    cause = getattr(error, "cause", None) or error
    # As a cause it is Ray that had no room for the result.
    if not isinstance(cause, ray.exceptions.RayError):
        raise cause from error
    return str(cause).strip().splitlines()[0]


class Reports:
    """What workers report while they work, by name; made inside `ray_session`."""

    def __init__(self) -> None:
        import ray

        actor = ray.remote(num_cpus=0, max_restarts=-1, max_task_retries=-1)(_Latest)
        self._actor: Any = actor.remote()

    def tell(self, name: str, report: Any) -> None:
        """Report without waiting."""
        self._actor.tell.remote(name, report)

    def take(self) -> dict[str, Any]:
        """Return the latest report of each name that has told since the last call.

        Those from before the death of what keeps them are lost.
        """
        import ray

        found: dict[str, Any] = ray.get(self._actor.take.remote())
        return found


class _Latest:
    def __init__(self) -> None:
        self.reports: dict[str, Any] = {}

    def tell(self, name: str, report: Any) -> None:
        self.reports[name] = report

    def take(self) -> dict[str, Any]:
        taken, self.reports = self.reports, {}
        return taken


def gpus_on_ray() -> int:
    """Return how many GPUs the cluster has."""
    import ray

    return int(ray.cluster_resources().get("GPU", 0))


def _connect(address: str) -> None:
    """Raise OSError where nothing listens: Ray itself would try for minutes."""
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if colon:
        socket.create_connection((host, int(port)), timeout=10).close()


def _work(made: list[Any], item: Any) -> Any:
    import ray

    key = made[0].hex()
    if key not in _made:
        # What earlier work of this process needed is given up.
        _made.clear()
        _made[key] = ray.get(made[0])()
    return _made[key](item)
