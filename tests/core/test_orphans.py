"""A stage whose DVC is killed ends; one that was started by hand does not."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

# Started by a parent that says the stage's process and then dies.
PARENT = """
import subprocess, sys
stage = subprocess.Popen([sys.executable, "-c", sys.argv[1]], stdout=subprocess.DEVNULL)
print(stage.pid, flush=True)
stage.wait(0.7)
"""
STAGE = """
import time
from src.core.orphans import end_with_dvc
end_with_dvc()
time.sleep(20)
"""


@pytest.mark.parametrize("under_dvc", [True, False])
def test_a_stage_ends_with_its_dvc(under_dvc: bool) -> None:
    env = {k: v for k, v in os.environ.items() if k != "DVC_STAGE"}
    done = subprocess.run(
        [sys.executable, "-c", PARENT, STAGE],
        cwd=Path(__file__).parents[2], env=env | ({"DVC_STAGE": "collect"} if under_dvc else {}),
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    stage = int(done.stdout)
    until = time.monotonic() + (10 if under_dvc else 1)
    while is_running(stage) and time.monotonic() < until:
        time.sleep(0.05)
    assert is_running(stage) != under_dvc
    if not under_dvc:
        os.kill(stage, 9)


def is_running(process: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{process}/status").read_text()
    except FileNotFoundError:
        return False
