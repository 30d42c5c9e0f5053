"""The start of Ray on this machine."""

from __future__ import annotations

import pytest
import ray

from src.core.cluster import ray_session
from src.core.errors import UserError


def test_a_ray_that_does_not_start_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def init(*given: object, **settings: object) -> None:
        raise Exception("The current node timed out during startup.\nSee the logs.")

    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setattr(ray, "init", init)
    expected = r"Ray did not start \(The current node timed out during startup\.\); run it again"
    with pytest.raises(UserError, match=f"^{expected}$"), ray_session():
        pass
