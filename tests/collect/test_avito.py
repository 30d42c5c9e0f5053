"""The real site as a source: what its params may be, and that nothing is asked of it here."""

from __future__ import annotations

import copy
import socket
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from src.collect.avito import HOSTS, SITE, _start
from src.collect.found import Listing
from src.collect.run import collect
from src.collect.store import Store
from src.core.errors import UserError


@pytest.fixture
def asked(section: dict[str, Any]) -> dict[str, Any]:
    changed = copy.deepcopy(section) | {"source": "avito"}
    changed["avito"]["starts"] = ["moskva/telefony"]
    changed["crawl"] |= {"attempts": 1, "timeout_s": 1}
    return {"seed": 7, "collect": changed}


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ("moskva/telefony", "/moskva/telefony"),
        ("/moskva/telefony?s=104", "/moskva/telefony?s=104"),
        ("https://www.avito.ru/moskva/telefony/mobile?q=a#b", "/moskva/telefony/mobile?q=a"),
    ],
)
def test_a_start_is_a_category_or_an_address(given: str, path: str) -> None:
    assert _start(given) == path
    assert HOSTS.site(SITE + path) == "avito.ru"


@pytest.mark.parametrize(
    "given",
    ["", "/", "https://www.avito.ru", "https://evil.example/moskva", "http://www.avito.ru/a"],
)
def test_other_starts_are_refused(given: str) -> None:
    with pytest.raises(UserError, match="no search page"):
        _start(given)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"starts": []}, "collect.avito.starts is empty"),
        ({"limit": -1}, "collect.avito.limit is -1"),
        ({"per_category": "many"}, "collect.avito.per_category is 'many'"),
        ({"since": "yesterday"}, "collect.avito.since is 'yesterday'"),
    ],
)
def test_senseless_params_are_one_line(
    change: dict[str, Any], words: str, asked: dict[str, Any], tmp_path: Path
) -> None:
    asked["collect"]["avito"] |= change
    with pytest.raises(UserError, match=words):
        collect(asked, tmp_path / "raw", tmp_path / "crawl")


def test_without_a_network_the_store_can_still_be_read(
    asked: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_network(*_: object, **__: object) -> None:
        raise socket.gaierror("no network")

    monkeypatch.setattr(socket, "getaddrinfo", no_network)
    with Store(tmp_path / "crawl" / "avito") as store:
        kept = Listing("1", "Телефон", "", None, "telefony", None, None, listed="2026-01-31")
        store.add_page("/moskva/telefony", ["1"], [kept], whole=True)
    with pytest.raises(UserError, match=r"connection failed.*1 listings and 0"):
        collect(asked, tmp_path / "raw", tmp_path / "crawl")
    assert not (tmp_path / "raw" / "listings.parquet").exists()
    asked["collect"]["avito"]["fetch"] = False
    for _ in range(2):
        collect(asked, tmp_path / "raw", tmp_path / "crawl")
        table = pd.read_parquet(tmp_path / "raw" / "listings.parquet")
        assert table[["id", "title", "listed"]].to_numpy().tolist() == [
            ["1", "Телефон", "2026-01-31"]
        ]
