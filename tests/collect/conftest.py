"""What tests of the collector share: settings, small and large markets, a saved real page."""

from __future__ import annotations

from pathlib import Path

import pytest
from ruamel.yaml import YAML

from src.collect.demo.market import Market
from src.core.params import parse_params
from src.core.schema import Collect

_ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def settings() -> Collect:
    """The section `collect` of params.yaml, with a small demo of small photos."""
    collect = parse_params(YAML(typ="safe").load(_ROOT / "params.yaml")).collect
    small = {"listings": 150, "photo_size": 64, "broken_photo": 0.05}
    return collect.model_copy(update={"demo": collect.demo.model_copy(update=small)})


@pytest.fixture(scope="session")
def market(settings: Collect) -> Market:
    return Market(settings.demo, seed=7)


@pytest.fixture(scope="session")
def large_market() -> Market:
    """Rates as in params.yaml, with enough listings to measure them; its photos are never drawn."""
    demo = parse_params(YAML(typ="safe").load(_ROOT / "params.yaml")).collect.demo
    return Market(demo.model_copy(update={"listings": 5000}), seed=7)


@pytest.fixture(scope="session")
def real_page(shared_data: Path) -> bytes:
    """A saved search page of the real site."""
    return (shared_data / "avito_pages" / "2025-05-23_search_phones.html").read_bytes()
