"""The clock of a command and of what it starts jumps; that of the machine does not."""

from __future__ import annotations

import shutil
import struct
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.faults.kinds import Drill, Skipped

CODE = Path(__file__).with_name("clock.c")
_DAY_S = 24 * 60 * 60


def jump_clock(drill: Drill, target: str, env: dict[str, str]) -> str:
    """The clock jumps by up to a year, either way, at a random moment of the stage."""
    if shutil.which("cc") is None:
        raise Skipped("there is no C compiler")
    with TemporaryDirectory() as folder:
        library, ahead = Path(folder) / "clock.so", Path(folder) / "clock"
        subprocess.run(["cc", "-shared", "-fPIC", "-o", library, CODE], check=True)
        ahead.write_bytes(struct.pack("q", 0))
        fake = {"LD_PRELOAD": str(library), "CLOCK": str(ahead)}
        driver, _ = drill.started(target, env | fake)
        jump = drill.moments.choice((-1, 1)) * drill.moments.randint(1, 365) * _DAY_S
        # In place: the command has the file in its memory.
        with ahead.open("r+b") as file:
            file.write(struct.pack("q", jump))
        return drill.project.end(driver)
