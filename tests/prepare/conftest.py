"""Fixtures of the preparing tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real listings; a clone without it skips, CI without it fails."""
    path = Path(__file__).parents[2].parent / "shared" / "data"
    if not path.is_dir():
        if os.environ.get("CI") == "true":
            pytest.fail(f"{path} is missing under CI=true")
        pytest.skip(f"{path} is missing: it holds real listings for measuring")
    return path
