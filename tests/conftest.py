"""What all tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real listings and pages, which are nobody's to publish and so stay outside the repository.

    A clone without them skips; CI without them fails.
    """
    path = Path(__file__).parents[1].parent / "shared" / "data"
    if not path.is_dir():
        if os.environ.get("CI") == "true":
            pytest.fail(f"{path} is missing, and CI must run the tests on real data")
        pytest.skip(f"{path} is missing: it holds real listings and pages")
    return path
