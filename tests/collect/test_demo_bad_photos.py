"""A broken photo's address answers with something that nobody may keep."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import urlsplit

import pytest
import requests
from PIL import Image

from src.collect.demo.bad_photos import BOMB_SIDE, GIANT_BYTES, KINDS, bad_kind, bad_photo
from src.collect.demo.market import Market
from src.collect.demo.server import serve
from src.collect.demo.site import Site


@pytest.fixture(scope="module")
def wrecked(large_market: Market) -> Market:
    """A market where every photo is broken and nothing else strikes."""
    quiet = replace(large_market.params.habits, busy=0, reset=0)
    return Market(
        replace(
            large_market.params,
            listings=200, photo_size=64, no_photo=0, dull_photo=0, broken_photo=1, no_text=0,
            habits=quiet,
        ),
        7,
    )  # fmt: skip


@pytest.fixture(scope="module")
def address(wrecked: Market) -> Iterator[str]:
    with serve(wrecked) as address:
        yield address


@pytest.fixture(scope="module")
def paths(wrecked: Market) -> dict[str, str]:
    """An address of each kind."""
    return {bad_kind(wrecked, facts.index): f"/image/{facts.id}.jpg" for facts in wrecked.facts}


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


def test_no_kind_gives_a_picture(wrecked: Market) -> None:
    site, again = Site(wrecked, ""), Site(Market(wrecked.params, 7), "")
    for facts in wrecked.facts[:80]:
        path = f"/image/{facts.id}.jpg"
        status, headers, body = site.right_answer(path)
        assert status != 200 or refused_by_pillow(body)
        assert again.right_answer(path) == (status, headers, body)
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
def test_what_is_no_picture_says_that_it_is(
    kind: str, kept: str, begins: bytes, address: str, paths: dict[str, str]
) -> None:
    answer = requests.get(address + paths[kind], timeout=5)
    assert answer.status_code == 200 and answer.headers["Content-Type"] == kept
    assert answer.content.startswith(begins) and len(answer.content) < 5000
    assert refused_by_pillow(answer.content)


def test_a_bomb_is_refused_for_its_size(address: str, paths: dict[str, str]) -> None:
    content = requests.get(address + paths["bomb"], timeout=5).content
    with pytest.raises(Image.DecompressionBombError, match=str(BOMB_SIDE**2)):
        Image.open(io.BytesIO(content))


@pytest.mark.parametrize(("kind", "told"), [("giant", True), ("untold", False)])
def test_a_giant_comes_with_its_length_or_without(
    kind: str, told: bool, address: str, paths: dict[str, str]
) -> None:
    with requests.get(address + paths[kind], timeout=5, stream=True) as answer:
        assert ("Content-Length" in answer.headers) == told
        assert not told or int(answer.headers["Content-Length"]) > GIANT_BYTES
        size = sum(len(piece) for piece in answer.iter_content(1 << 20))
    assert size > GIANT_BYTES > 12_000_000


def test_giants_are_one_file_in_memory(wrecked: Market) -> None:
    bodies = [
        bad_photo(wrecked, index, "/").body
        for index in range(len(wrecked))
        if bad_kind(wrecked, index) in ("giant", "untold")
    ]
    assert len(bodies) > 10 and all(body is bodies[0] for body in bodies)


def test_redirects_lead_inside_or_in_circles(address: str, paths: dict[str, str]) -> None:
    answer = requests.get(address + paths["private"], timeout=5, allow_redirects=False)
    host = urlsplit(answer.headers["Location"]).hostname
    assert answer.status_code == 302 and host in ("10.0.0.1", "169.254.169.254", "::1")
    with pytest.raises(requests.TooManyRedirects):
        requests.get(address + paths["loop"], timeout=5)


def test_a_missing_photo_is_missing(address: str, paths: dict[str, str]) -> None:
    assert requests.get(address + paths["missing"], timeout=5).status_code == 404
