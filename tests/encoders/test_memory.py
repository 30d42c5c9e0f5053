"""Freed memory is kept: later allocations fault no pages in."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

CODE = """
import resource, numpy
from src.encoders.common.memory import keep_freed_memory
if {keep}:
    keep_freed_memory()
def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
numpy.ones(16_000_000)
before = faults()
for _ in range(4):
    numpy.ones(16_000_000)
print(faults() - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc can be told")
def test_memory_is_not_handed_back() -> None:
    kept, usual = (
        int(subprocess.check_output([sys.executable, "-c", CODE.format(keep=keep)]))
        for keep in (True, False)
    )
    # 128 MB a time; huge pages would be 64 faults of 2 MB each.
    assert kept < 100 <= usual
