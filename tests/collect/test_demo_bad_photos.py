"""What the URL of a broken photo answers must never be kept."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
import requests
from PIL import Image

from src.collect.demo.bad_photos import BOMB_SIDE, GIANT_BYTES, KINDS, bad_photo
from src.collect.demo.market import BAD_PHOTO, Market
from src.collect.demo.server import serve
from src.collect.demo.site import Site
from src.collect.demo.texts import pick


@pytest.fixture(scope="module")
def wrecked(large_market: Market) -> Market:
    """A market where every photo is broken and nothing else strikes."""
    settings = large_market.settings
    changes = {
        "listings": 200, "photo_size": 64, "no_photo": 0, "dull_photo": 0, "broken_photo": 1,
        "no_text": 0, "faults": settings.faults.model_copy(update={"busy": 0, "reset": 0}),
    }  # fmt: skip
    return Market(settings.model_copy(update=changes), 7)


@pytest.fixture(scope="module")
def url(wrecked: Market) -> Iterator[str]:
    with serve(wrecked) as url:
        yield url


@pytest.fixture(scope="module")
def paths(wrecked: Market) -> dict[str, str]:
    """A path of each kind."""
    return {bad_kind(wrecked, facts.index): f"/image/{facts.id}.jpg" for facts in wrecked.facts}


def bad_kind(market: Market, index: int) -> str:
    """Return how the listing's photo is broken: one of KINDS."""
    return pick(KINDS, market.rng(index, BAD_PHOTO))


def refused_by_pillow(content: bytes) -> bool:
    try:
        Image.open(io.BytesIO(content)).load()
    except (OSError, Image.DecompressionBombError):
        return True
    return False


def test_all_kinds_occur_about_equally_often(wrecked: Market) -> None:
    kinds = Counter(bad_kind(wrecked, index) for index in range(len(wrecked)))
    assert set(kinds) == set(KINDS)
    assert min(kinds.values()) >= 8


def test_no_kind_gives_a_photo(wrecked: Market) -> None:
    site, again = Site(wrecked, ""), Site(Market(wrecked.settings, 7), "")
    for facts in wrecked.facts[:80]:
        path = f"/image/{facts.id}.jpg"
        status, headers, body = site.correct_response(path)[:3]
        assert status != 200 or refused_by_pillow(body)
        assert again.correct_response(path)[:3] == (status, headers, body)
        assert wrecked.photo(facts.index) is None


@pytest.mark.parametrize(
    ("kind", "kept", "begins"),
    [
        ("truncated", "image/jpeg", b"\xff\xd8\xff"),
        ("page", "image/jpeg", b"<!doctype html>"),
        ("svg", "image/svg+xml", b"<svg"),
        ("program", "image/jpeg", b"MZ"),
        ("bomb", "image/png", b"\x89PNG"),
    ],
)
def test_what_is_not_a_photo_claims_to_be_one(
    kind: str, kept: str, begins: bytes, url: str, paths: dict[str, str]
) -> None:
    response = requests.get(url + paths[kind], timeout=5)
    assert response.status_code == 200 and response.headers["Content-Type"] == kept
    assert response.content.startswith(begins) and len(response.content) < 5000
    assert refused_by_pillow(response.content)


def test_a_bomb_is_refused_for_its_size(url: str, paths: dict[str, str]) -> None:
    content = requests.get(url + paths["bomb"], timeout=5).content
    with pytest.raises(Image.DecompressionBombError, match=str(BOMB_SIDE**2)):
        Image.open(io.BytesIO(content))


@pytest.mark.parametrize(("kind", "told"), [("giant", True), ("untold", False)])
def test_a_giant_comes_with_its_length_or_without(
    kind: str, told: bool, url: str, paths: dict[str, str]
) -> None:
    with requests.get(url + paths[kind], timeout=5, stream=True) as response:
        assert ("Content-Length" in response.headers) == told
        assert not told or int(response.headers["Content-Length"]) > GIANT_BYTES
        size = sum(len(piece) for piece in response.iter_content(1 << 20))
    assert size > GIANT_BYTES > 12_000_000


def test_giants_are_one_file_in_memory(wrecked: Market) -> None:
    bodies = [
        bad_photo(wrecked, index, "/").body
        for index in range(len(wrecked))
        if bad_kind(wrecked, index) in ("giant", "untold")
    ]
    assert len(bodies) > 10 and all(body is bodies[0] for body in bodies)


def test_redirects_lead_into_a_private_network_or_in_circles(
    url: str, paths: dict[str, str]
) -> None:
    response = requests.get(url + paths["private"], timeout=5, allow_redirects=False)
    host = urlsplit(response.headers["Location"]).hostname
    assert response.status_code == 302 and host in ("10.0.0.1", "169.254.169.254", "::1")
    with pytest.raises(requests.TooManyRedirects):
        requests.get(url + paths["loop"], timeout=5)


def test_a_missing_photo_is_missing(url: str, paths: dict[str, str]) -> None:
    assert requests.get(url + paths["missing"], timeout=5).status_code == 404
