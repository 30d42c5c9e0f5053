"""Both pages in a real browser, on a phone and on a desk: by mouse and by keyboard."""

from __future__ import annotations

from pathlib import Path

import pytest

from docs.pictures import find_chromium
from src.pages.ask import Threshold, ask_app
from src.pages.photos import GivenPhotos
from src.predict.predictor import Predictor
from src.prepare.corrections import read_corrections
from tests.browser import Browser
from tests.made import CLASSES, made_photo
from tests.pages.conftest import HTML, review, served

pytestmark = pytest.mark.skipif(
    find_chromium() is None, reason="no Chromium on PATH or in $CHROMIUM"
)
WIDTHS = pytest.mark.parametrize("width", [390, 1280], ids=["phone", "desk"])
EXAMPLE = {"id": "r01", "title": "Обувь", "text": "продаю обувь", "price": "300"}


def shown(browser: Browser, words: str) -> None:
    browser.until(f"document.body.innerText.includes({words!r})")


def stays_here(browser: Browser) -> None:
    """Nothing complained, nothing was asked of another machine, nothing is too wide."""
    assert browser.console == []
    assert browser.hosts() == {"127.0.0.1"}
    assert browser.beyond() == 0
    assert "pwned" not in browser.run("document.title")


@WIDTHS
def test_a_photo_and_words_are_answered_with_reasons(
    width: int, predictor: Predictor, tmp_path: Path
) -> None:
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(made_photo("обувь"))
    photos = GivenPhotos({"r01": made_photo("r01")})
    app = ask_app(predictor, Threshold(0.9, 1.1), [EXAMPLE], photos)
    with served(app) as address, Browser(tmp_path / "profile", width) as browser:
        browser.open(address)
        browser.choose_file("#file", photo)
        browser.run("document.getElementById('title').focus()")
        browser.type(HTML)
        browser.press("Tab")
        browser.type("продаю обувь")
        browser.press("Tab")
        browser.type("1 500 ₽")
        browser.press("Enter")
        shown(browser, "Based on photo, text, price.")
        text = browser.text()
        assert all(name in text for name in CLASSES)
        assert "Not sure — At 110% or more, 90% of the answers are right" in text
        assert "The most similar ads that the model knows" in text
        assert browser.run("document.querySelectorAll('#bars .bar').length") == len(CLASSES)
        stays_here(browser)


@WIDTHS
def test_an_example_is_answered_by_one_click_in_russian_and_in_dark(
    width: int, predictor: Predictor, tmp_path: Path
) -> None:
    photos = GivenPhotos({"r01": made_photo("r01")})
    app = ask_app(predictor, None, [EXAMPLE], photos)
    with served(app) as address, Browser(tmp_path / "profile", width, dark=True) as browser:
        browser.open(address)
        dark = browser.run("getComputedStyle(document.body).backgroundColor")
        browser.run("document.getElementById('language').click()")
        browser.run("document.querySelector('.examples button').click()")
        shown(browser, "Использованы: фото, текст, цена.")
        assert browser.run("document.getElementById('title').value") == "Обувь"
        browser.run("document.getElementById('theme').click()")
        assert browser.run("getComputedStyle(document.body).backgroundColor") != dark
        # What is shown is translated as well.
        browser.run("document.getElementById('language').click()")
        shown(browser, "Based on photo, text, price.")
        stays_here(browser)


def test_what_is_too_large_or_no_photo_is_said_on_the_page(
    predictor: Predictor, tmp_path: Path
) -> None:
    large, drawing = tmp_path / "large.jpg", tmp_path / "drawing.svg"
    large.write_bytes(b"\xff\xd8" + bytes(50_000_000))
    drawing.write_text("<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>")
    with served(ask_app(predictor)) as address, Browser(tmp_path / "profile", 390) as browser:
        browser.open(address)
        browser.choose_file("#file", large)
        shown(browser, "The photo has 50 MB; expected at most 20 MB.")
        browser.choose_file("#file", drawing)
        browser.run("document.getElementById('go').click()")
        shown(browser, "no photo, text or price to predict from; photo: not an image")
        browser.run("document.getElementById('text').focus()")
        browser.type("я" * 1_000_000)
        shown(browser, "text: 1,000,000 characters; expected at most 20,000.")
        # The browser itself says of each refused request that it was.
        assert all("/answer" in line for line in browser.console)
        assert browser.hosts() == {"127.0.0.1"}


@WIDTHS
def test_ten_labels_are_reviewed_by_keyboard(width: int, tmp_path: Path) -> None:
    path = tmp_path / "anna.csv"
    with served(review(path)) as address, Browser(tmp_path / "profile", width) as browser:
        browser.open(address)
        left = 12
        for key in "ckncckncsk":
            browser.press(key)
            left -= 1
            shown(browser, f"{left} left")
        browser.press("u")
        shown(browser, "3 left")
        browser.press("o")
        browser.until("document.activeElement.id === 'find'")
        browser.type("обу")
        browser.press("Enter")
        shown(browser, "2 left")
        decided = {one.id: one.category for one in read_corrections(path)}
        books, furniture, shoes = CLASSES
        assert decided == {
            "s00": furniture, "s01": books, "s02": "", "s03": furniture, "s04": furniture,
            "s05": books, "s06": "", "s07": furniture, "s09": shoes,
        }  # fmt: skip
        browser.press("s")
        shown(browser, "1 left")
        assert HTML in browser.text()
        browser.press("k")
        shown(browser, "Nothing is left to look at.")
        stays_here(browser)
        # What was skipped comes again.
        browser.open(address)
        shown(browser, "2 left")


def test_a_server_that_is_gone_is_said_and_nothing_is_skipped(tmp_path: Path) -> None:
    with Browser(tmp_path / "profile", 1280) as browser:
        with served(review(tmp_path / "anna.csv")) as address:
            browser.open(address)
        browser.press("c")
        shown(browser, "The page's server does not answer.")
        shown(browser, "12 left")
