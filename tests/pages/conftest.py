"""A bundle to try, labels to review, and a server for them in this process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from socket import socket
from threading import Thread
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI
from fastapi.testclient import TestClient

from src.pages.decisions import Decisions
from src.pages.photos import GivenPhotos
from src.pages.review import review_app
from src.pages.suspects import Asked
from src.predict.predictor import Predictor
from tests.made import CLASSES, made_photo
from tests.predict.conftest import bundle, pipeline

__all__ = ["bundle", "pipeline"]

ADDRESS = "http://127.0.0.1:8010"
HTML = "<img src=x onerror=\"document.title='pwned'\"><script>document.title='pwned'</script>"


@pytest.fixture(scope="session")
def predictor(bundle: Path) -> Predictor:
    return Predictor(bundle)


def client(app: FastAPI) -> TestClient:
    """Return a client that asks as the page does."""
    return TestClient(app, base_url=ADDRESS, headers={"origin": ADDRESS})


def asked(count: int = 12) -> list[Asked]:
    """Return suspects s00, s01, …, all listed under the first category; the last is hostile."""
    made: list[dict[str, Any]] = [
        {"id": f"s{n:02}", "title": f"Диван {n}", "text": "мягкий", "price": 100.0 + n}
        for n in range(count)
    ]
    made[-1] |= {"title": HTML, "text": HTML, "price": None}
    about: dict[str, Any] = {
        "was": CLASSES[0], "given": CLASSES[0], "given_prob": 0.1,
        "suggested": CLASSES[1], "suggested_prob": 0.8,
        "added": {"photo": 1.5, "price": -0.1},
        "nearest": [{"title": HTML, "category": CLASSES[1]}],
    }  # fmt: skip
    return [Asked(**one, **about) for one in made]


def review(path: Path, by: str = "anna", count: int = 12) -> FastAPI:
    """Return the page of `asked`; every second has a photo."""
    listings = asked(count)
    photos = GivenPhotos({one.id: made_photo(one.id) for one in listings[::2]})
    return review_app(listings, CLASSES, Decisions(path, by), photos)


@contextmanager
def served(app: FastAPI) -> Iterator[str]:
    """Serve an app to this machine; yields its address."""
    with socket() as listening:
        listening.bind(("127.0.0.1", 0))
        # Who asks before the server has started waits.
        listening.listen()
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
        thread = Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()
