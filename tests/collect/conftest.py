"""Shared pieces of the collector's tests: a small market and the saved real pages."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from src.collect.demo.market import Market
from src.collect.demo.params import DemoParams

_ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def section() -> dict[str, Any]:
    """params.yaml's `collect` section, with a small demo of small photos."""
    collect: dict[str, Any] = yaml.safe_load((_ROOT / "params.yaml").read_text())["collect"]
    collect["demo"] |= {"listings": 150, "photo_size": 64, "broken_photo": 0.05}
    return collect


@pytest.fixture(scope="session")
def market(section: dict[str, Any]) -> Market:
    return Market(DemoParams.from_params(section["demo"]), seed=7)


@pytest.fixture(scope="session")
def large_market() -> Market:
    """Rates as in params.yaml, enough listings to see them; its photos are never drawn."""
    demo = yaml.safe_load((_ROOT / "params.yaml").read_text())["collect"]["demo"]
    return Market(replace(DemoParams.from_params(demo), listings=5000), seed=7)


@pytest.fixture(scope="session")
def real_page(shared_data: Path) -> bytes:
    """A saved search page of the real site."""
    return (shared_data / "avito_pages" / "2025-05-23_search_phones.html").read_bytes()
