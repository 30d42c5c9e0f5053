"""What all tests share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from src.core.cluster import ray_session


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real listings and pages; they may not be published, so they lie outside the repository.

    Without them these tests are skipped. The project's own CI has them, so there they fail; a
    public one, as GitHub's, does not.
    """
    path = Path(__file__).parents[1].parent / "shared" / "data"
    if not path.is_dir():
        if os.environ.get("CI") == "true" and "GITHUB_ACTIONS" not in os.environ:
            pytest.fail(f"{path} is missing, and CI must run the tests on real data")
        pytest.skip(f"{path} is missing: it holds real listings and pages")
    return path


@pytest.fixture(scope="module")
def two_workers() -> Iterator[None]:
    """Ray on two processors of this machine."""
    with pytest.MonkeyPatch.context() as patch, TemporaryDirectory(dir="/tmp") as folder:
        # Short, for Ray puts sockets below it.
        patch.setenv("RAY_TMPDIR", folder)
        with ray_session(2):
            yield
