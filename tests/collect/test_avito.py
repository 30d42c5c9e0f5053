"""The real site as a source, without ever sending a request to it."""

from __future__ import annotations

import socket
from pathlib import Path

import pandas as pd
import pytest

from src.collect.avito import HOSTS, SITE, start_path
from src.collect.collected import Listing
from src.collect.run import collect
from src.collect.store import Store
from src.core.errors import UserError
from src.core.schema import Collect


def _avito(settings: Collect, *, fetch: bool) -> Collect:
    crawl = settings.crawl.model_copy(update={"attempts": 1, "timeout_s": 1.0})
    changes = {"starts": ["moskva/telefony"], "fetch": fetch}
    avito = settings.avito.model_copy(update=changes)
    return settings.model_copy(update={"source": "avito", "avito": avito, "crawl": crawl})


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ("moskva/telefony", "/moskva/telefony"),
        ("/moskva/telefony?s=104", "/moskva/telefony?s=104"),
        ("https://www.avito.ru/moskva/telefony/mobile?q=a#b", "/moskva/telefony/mobile?q=a"),
        (" www.avito.ru/moskva/telefony", "/moskva/telefony"),
        ("avito.ru/moskva?q=a", "/moskva?q=a"),
        ("https://www.avito.ru/moskva/igry/igra_7654321?context=H4s", "/moskva/igry/igra_7654321"),
        ("https://m.avito.ru/moskva/igry/igra_7654321", "/moskva/igry/igra_7654321"),
        ("moskva/igry/igra_7654321", "/moskva/igry/igra_7654321"),
    ],
)
def test_a_start_is_a_category_a_listing_or_a_url(given: str, path: str) -> None:
    assert start_path(given) == path
    assert HOSTS.site(SITE + path) == "avito.ru"


@pytest.mark.parametrize(
    "given",
    [
        "",
        "/",
        "https://www.avito.ru",
        "https://evil.example/moskva",
        "http://www.avito.ru/a",
        "avito.ru",
        "https://www.avito.ru.evil.example/moskva",
        "https://evil.example/avito.ru/a",
    ],
)
def test_other_starts_are_refused(given: str) -> None:
    with pytest.raises(UserError, match="is neither a search page"):
        start_path(given)


def test_without_a_network_the_store_can_still_be_read(
    settings: Collect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_network(*_: object, **__: object) -> None:
        raise socket.gaierror("no network")

    monkeypatch.setattr(socket, "getaddrinfo", no_network)
    with Store(tmp_path / "crawl" / "avito") as store:
        kept = Listing("1", "Телефон", "", None, "telefony", None, None, listed="2026-01-31")
        store.add_page("/moskva/telefony", ["1"], [kept], whole=True)
    online = _avito(settings, fetch=True)
    with pytest.raises(UserError, match=r"connection failed.*\(listings: 1, photos: 0\)"):
        collect(online, 7, tmp_path / "raw", tmp_path / "crawl")
    assert not (tmp_path / "raw" / "listings.parquet").exists()
    offline = _avito(settings, fetch=False)
    for _ in range(2):
        collect(offline, 7, tmp_path / "raw", tmp_path / "crawl")
        table = pd.read_parquet(tmp_path / "raw" / "listings.parquet")
        assert table[["id", "title", "listed"]].to_numpy().tolist() == [
            ["1", "Телефон", "2026-01-31"]
        ]
