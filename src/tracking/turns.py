"""Machines that log to one server take turns, so that none looks for runs while another logs some.

MLflow's servers have no lock. This is Lamport's bakery: whoever comes draws a number above those
that others hold, and the lowest number goes first. A ticket is a run, which is deleted afterwards.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread
from typing import TYPE_CHECKING

from src.predict.mlflow_store import store_errors

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

# The tag with a ticket's number, 0 while it is drawn, and the one that shows that its owner lives.
_NUMBER, _BEAT = "turn", "turn.beat"
_BEAT_S, _LOOK_S = 2.0, 0.3
# A ticket without a beat for so long is that of a process which was killed: more than two requests
# take that fail and are repeated.
_DEAD_S = 45.0


@contextmanager
def own_turn(client: MlflowClient, experiment_id: str, timeout_s: float) -> Iterator[None]:
    """Wait until no other machine logs to the experiment, and let none do meanwhile.

    Raises:
        TimeoutError: others were logging for `timeout_s`.
        Exception: one of `src.predict.mlflow_store.store_errors`.
    """
    ticket = client.create_run(experiment_id, tags={_NUMBER: "0"}, run_name="turn").info.run_id
    done = Event()
    Thread(target=_beat, args=(client, ticket, done), daemon=True).start()
    try:
        number = 1 + max(int(run.data.tags[_NUMBER]) for run in _tickets(client, experiment_id))
        client.set_tag(ticket, _NUMBER, str(number))
        _wait(client, experiment_id, (number, ticket), timeout_s)
        yield
    finally:
        done.set()
        # A ticket that stays is found to be dead by whoever comes next.
        with suppress(*store_errors()):
            client.delete_run(ticket)


def _wait(
    client: MlflowClient, experiment_id: str, mine: tuple[int, str], timeout_s: float
) -> None:
    started = time.monotonic()
    # By this clock alone: those of other machines may be wrong.
    beats: dict[str, tuple[str | None, float]] = {}
    while True:
        now, tickets = time.monotonic(), _tickets(client, experiment_id)
        if mine[1] not in [run.info.run_id for run in tickets]:
            raise TimeoutError("another machine took this one for dead; its requests take too long")
        ahead = [run for run in tickets if _place(run) < mine]
        if not ahead:
            return
        for run in ahead:
            name, beat = run.info.run_id, run.data.tags.get(_BEAT)
            if name not in beats or beats[name][0] != beat:
                beats[name] = beat, now
            elif now - beats[name][1] > _DEAD_S:
                client.delete_run(name)
        if now - started > timeout_s:
            raise TimeoutError(f"another machine has been logging to it for {timeout_s:.0f} s")
        time.sleep(_LOOK_S)


def _place(run: Run) -> tuple[int, str]:
    return int(run.data.tags[_NUMBER]), run.info.run_id


def _tickets(client: MlflowClient, experiment_id: str) -> list[Run]:
    return list(client.search_runs([experiment_id], f"tags.`{_NUMBER}` LIKE '%'"))


def _beat(client: MlflowClient, ticket: str, done: Event) -> None:
    beats = 0
    while not done.wait(_BEAT_S):
        beats += 1
        # A request that fails is followed by others.
        with suppress(*store_errors()):
            client.set_tag(ticket, _BEAT, str(beats))
