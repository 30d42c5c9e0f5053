"""Crawls of a site that works, and of sites that do not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from src.collect.collected import Collected, Listing
from src.collect.crawl import CrawlSpec, crawl
from src.collect.snapshot import snapshot
from src.collect.store import Store
from src.core.errors import UserError
from src.core.schema import Crawl
from tests.collect.sites import CRAWL, NOT_FOUND, Response, fetcher, site

NOW = datetime(2026, 2, 1, tzinfo=UTC)


def photo(shade: int = 0) -> bytes:
    buffer = BytesIO()
    Image.new("L", (20, 20), shade).save(buffer, "JPEG")
    return buffer.getvalue()


def item(listing_id: int, picture: str = "", when: str = "") -> str:
    image = f'<img itemprop="image" src="{picture}">' if picture else ""
    date = f'<p data-marker="item-date">{when}</p>' if when else ""
    return (
        f'<div data-marker="item" data-item-id="{listing_id}">'
        f'<h3 itemprop="name">Вещь {listing_id}</h3>'
        f'<a itemprop="url" href="/moskva/veshchi/x_{listing_id}"></a>{image}{date}'
        '<a data-marker="item-user-logo-link" href="/user/abcdef/profile">Кто</a></div>'
    )


def page(*items: str) -> bytes:
    return f"<html><body>{''.join(items)}</body></html>".encode()


NOTHING = (
    '<html><body><h1 data-marker="page-title/text">Вещи</h1><div data-marker="catalog-serp">'
    "</div><h2>Ничего не найдено в выбранной области поиска</h2></body></html>"
).encode()


def pages(*contents: bytes, other: Response = NOT_FOUND) -> Callable[[str], Response]:
    """Return the responses of a start /moskva/veshchi with these pages, then an empty one."""

    def respond(path: str) -> Response:
        if not path.startswith("/moskva/veshchi"):
            return NOT_FOUND if path == "/robots.txt" else other
        number = int(path.partition("p=")[2] or 1)
        return 200, {}, contents[number - 1] if number <= len(contents) else NOTHING

    return respond


def collected(
    at: str, folder: Path, settings: Crawl = CRAWL, **changes: object
) -> tuple[dict[str, Listing], Collected]:
    """Crawl into `folder`, and return what its store then has."""
    spec = CrawlSpec(at, ["/moskva/veshchi"], NOW)
    with Store(folder) as store:
        with fetcher(at, settings) as fetching:
            crawl(store, replace(spec, **changes), fetching)  # type: ignore[arg-type]
        store.set_fact("exported", "yes")
        found = snapshot(store, folder / "out")
        return {listing.id: listing for listing in found.listings}, found


def requested(log: list[str], part: str) -> list[str]:
    return [line.split()[0] for line in log if part in line]


def test_pages_are_walked_to_their_end_and_photos_fetched(tmp_path: Path) -> None:
    log: list[str] = []
    respond = pages(page(item(1, "/1.jpg"), item(2)), page(item(2), item(3, "/3.jpg")),
                   other=(200, {}, photo()))  # fmt: skip
    with site(respond, log) as at:
        listings, found = collected(at, tmp_path)
    assert list(listings) == ["1", "2", "3"]
    first = listings["1"]
    assert (first.title, first.category, first.photo is None) == ("Вещь 1", "veshchi", False)
    assert listings["2"].photo is None and first.seller == listings["3"].seller
    assert (tmp_path / "out" / str(first.photo)).exists()
    assert len(requested(log, "/moskva")) == 3 and len(requested(log, ".jpg")) == 2
    assert not found.rejected and not found.noted


def test_a_later_run_fetches_what_is_new_and_nothing_else(tmp_path: Path) -> None:
    old = [page(item(n), item(n + 1, f"/{n}.jpg")) for n in (7, 5, 3, 1)]
    with site(pages(*old, other=(200, {}, photo()))) as at:
        before, _ = collected(at, tmp_path)
    log: list[str] = []
    with site(pages(page(item(9, "/9.jpg"), item(7)), *old, other=(200, {}, photo(99))), log) as at:
        after, _ = collected(at, tmp_path)
    assert after.items() > before.items() and set(after) - set(before) == {"9"}
    assert requested(log, "/moskva") == ["/moskva/veshchi", "/moskva/veshchi?p=2"]
    assert requested(log, ".jpg") == ["/9.jpg"]


def test_a_page_shown_again_is_requested_again_and_walked_past(tmp_path: Path) -> None:
    first, second, third = page(item(1), item(2)), page(item(3)), page(item(4))
    times: Counter[str] = Counter()
    right = pages(first, second, third)

    def respond(path: str) -> Response:
        times[path] += 1
        lies = path.endswith("p=2") and times[path] <= lies_for
        return (200, {}, first) if lies else right(path)

    for lies_for, missing in ((1, set()), (99, {"3"})):
        times.clear()
        with site(respond) as at:
            listings, found = collected(at, tmp_path / str(lies_for))
        assert set(listings) == {"1", "2", "3", "4"} - missing
        told = [(note.reason, note.detail) for note in found.noted]
        again = ("page: shows an earlier one again", "/moskva/veshchi?p=2")
        assert told == ([again] if missing else [])


def test_a_site_that_repeats_its_last_page_forever_is_left(tmp_path: Path) -> None:
    log: list[str] = []
    with site(lambda path: NOT_FOUND if "robots" in path else (200, {}, page(item(1))), log) as at:
        listings, _ = collected(at, tmp_path)
    assert set(listings) == {"1"} and len(requested(log, "/moskva")) < 12


@pytest.mark.parametrize("cut", [b"</body></html>", b"p>"])
def test_a_damaged_page_is_requested_again(cut: bytes, tmp_path: Path) -> None:
    whole = page(item(1), item(2), item(3))
    times: Counter[str] = Counter()

    def respond(path: str) -> Response:
        times[path] += 1
        if path == "/moskva/veshchi" and times[path] == 1:
            return 200, {}, whole[: len(whole) // 2]
        return pages(whole)(path)

    with site(respond) as at:
        listings, found = collected(at, tmp_path)
    assert set(listings) == {"1", "2", "3"} and not found.noted


def test_a_page_that_stays_damaged_is_used_and_reported(tmp_path: Path) -> None:
    with site(pages(page(item(1), item(2))[:-20])) as at:
        listings, found = collected(at, tmp_path)
    assert set(listings) == {"1", "2"}
    assert [note.reason for note in found.noted] == ["page: cut off"]


def test_limits_stop_the_walk_and_higher_ones_continue_it(tmp_path: Path) -> None:
    log: list[str] = []
    sheets = [page(*(item(10 * n + i) for i in range(4))) for n in (1, 2, 3)]
    with site(pages(*sheets), log) as at:
        assert len(collected(at, tmp_path, limit=6)[0]) == 6
        assert len(requested(log, "/moskva")) == 2
        assert len(collected(at, tmp_path, limit=6)[0]) == 6
        assert len(requested(log, "/moskva")) == 2
        assert len(collected(at, tmp_path, per_category=7)[0]) == 7
        assert len(collected(at, tmp_path)[0]) == 12


def test_a_limit_per_category_counts_each(tmp_path: Path) -> None:
    def respond(path: str) -> Response:
        category = path.split("?")[0].removeprefix("/moskva/")
        if category not in ("a", "b"):
            return NOT_FOUND
        number = int(path.partition("p=")[2] or 1)
        base = {"a": 100, "b": 200}[category] + 10 * number
        return 200, {}, page(*(item(base + i) for i in range(3)))

    with site(respond) as at:
        starts = ["/moskva/a", "/moskva/b"]
        listings, _ = collected(at, tmp_path, starts=starts, per_category=4)
    assert Counter(listing.category for listing in listings.values()) == {"a": 4, "b": 4}


def test_older_listings_are_left_out_and_end_the_walk(tmp_path: Path) -> None:
    log: list[str] = []
    sheets = [
        page(item(9, when="2 часа назад"), item(8, when="3 дня назад")),
        page(item(7, when="5 дней назад"), item(6), item(5, when="12 января 10:00")),
        page(item(4, when="11 января 10:00")),
        page(item(3, when="10 января 10:00")),
    ]
    with site(pages(*sheets), log) as at:
        listings, _ = collected(at, tmp_path, since="2026-01-28")
    assert set(listings) == {"9", "8", "6"}
    assert listings["8"].listed == "2026-01-29" and listings["6"].listed is None
    assert len(requested(log, "/moskva")) == 3


def test_what_could_not_be_read_is_rejected_without_contacts(tmp_path: Path) -> None:
    odd = item(5).replace('data-item-id="5"', "").replace("Вещь 5", "Вещь +7 916 123-45-67")
    with site(pages(page(item(1), odd))) as at:
        listings, found = collected(at, tmp_path)
    assert set(listings) == {"1"} and len(found.rejected) == 1
    fragment = found.rejected[0].detail
    assert "Вещь" in fragment and "916" not in fragment and "abcdef" not in fragment


def test_a_photo_that_cannot_be_fetched_costs_no_listing(tmp_path: Path) -> None:
    def respond(path: str) -> Response:
        return {
            "/moskva/veshchi": (200, {}, page(*(item(n, f"/{n}.jpg") for n in range(1, 6)))),
            "/1.jpg": (200, {}, b"<html>no photo</html>"),
            "/2.jpg": (302, {"Location": "http://10.0.0.1/2.jpg"}, b""),
            "/3.jpg": (200, {}, b"x" * 200_000),
            "/4.jpg": (200, {}, photo()[:200]),
            "/5.jpg": (200, {"Content-Type": "text/plain"}, photo()),
        }.get(path, NOT_FOUND)  # type: ignore[return-value]

    with site(respond) as at:
        listings, found = collected(at, tmp_path)
    assert [listing.photo is not None for listing in listings.values()] == [False] * 4 + [True]
    assert {note.id: note.reason for note in found.noted} == {
        "1": "photo: not an image of an allowed type",
        "2": "photo: host is not allowed",
        "3": "photo: larger than 100000 bytes",
        "4": "photo: broken or truncated",
    }


def test_the_next_run_makes_up_for_a_temporary_error(tmp_path: Path) -> None:
    content = page(item(1, "/1.jpg"), item(2, "/2.jpg"))
    with site(pages(content, other=(503, {"Retry-After": "0"}, b""))) as at:
        listings, found = collected(at, tmp_path)
    assert all(listing.photo is None for listing in listings.values())
    assert [note.reason for note in found.noted] == ["photo: answered 503"] * 2
    log: list[str] = []
    with site(pages(content, other=(200, {}, photo())), log) as at:
        listings, found = collected(at, tmp_path)
    assert all(listing.photo for listing in listings.values()) and not found.noted


def test_a_category_that_says_it_is_empty_is_reported(tmp_path: Path) -> None:
    with site(pages()) as at:
        listings, found = collected(at, tmp_path)
    assert not listings
    assert [note.reason for note in found.noted] == ["page: says that it has no listings"]


def test_robots_that_forbid_a_start_end_the_run(tmp_path: Path) -> None:
    with (
        site(lambda _: (200, {}, b"User-agent: *\nDisallow: /moskva\n")) as at,
        pytest.raises(UserError, match=r"/moskva/veshchi was not requested: robots\.txt forbids"),
    ):
        collected(at, tmp_path)


def own_page(listing_id: int, text: str, *others: str) -> bytes:
    return page(
        f'<h1 data-marker="item-view/title-info">Вещь {listing_id}</h1>'
        f'<div data-marker="item-view/item-description">{text}</div>'
        f'<span data-marker="item-view/item-id">№ {listing_id}</span>',
        *others,
    )


def test_a_listing_of_its_own_address_is_one_request_and_has_its_whole_text(
    tmp_path: Path,
) -> None:
    log: list[str] = []
    short = item(1_234_567).replace("<a ", '<meta itemprop="description" content="Почти">\n<a ', 1)
    own = own_page(1_234_567, "Почти новая, +7 916 123-45-67", item(9))

    def respond(path: str) -> Response:
        return {
            "/moskva/veshchi": (200, {}, page(short)),
            "/moskva/veshchi?p=2": (200, {}, NOTHING),
            "/moskva/veshchi/x_1234567": (200, {}, own),
            "/moskva/veshchi/x_7654321": (200, {}, own_page(7_654_321, "Другая")),
        }.get(path, NOT_FOUND)  # type: ignore[return-value]

    starts = [f"/moskva/veshchi{rest}" for rest in ("", "/x_1234567", "/x_7654321")]
    with site(respond, log) as at:
        listings, found = collected(at, tmp_path, starts=starts)
        assert requested(log, "x_") == starts[1:]
        again, _ = collected(at, tmp_path, starts=starts)
    assert {key: listing.text for key, listing in listings.items()} == {
        "1234567": "Почти новая, [phone]",
        "7654321": "Другая",
    }
    assert again == listings and not found.noted and not found.rejected
    assert requested(log, "x_") == 2 * starts[1:]


@pytest.mark.parametrize(
    ("response", "reason"),
    [
        (NOT_FOUND, "page: answered 404"),
        ((200, {}, page(item(9))), "page: shows other listings than the one asked for"),
        ((200, {}, page()), "page: unknown layout"),
    ],
)
def test_a_listing_that_is_gone_is_noted_and_the_crawl_goes_on(
    response: Response, reason: str, tmp_path: Path
) -> None:
    def respond(path: str) -> Response:
        if path.endswith("x_7654321"):
            return 200, {}, own_page(7_654_321, "Другая")
        return response if path.endswith("x_1234567") else NOT_FOUND

    starts = ["/moskva/veshchi/x_1234567", "/moskva/veshchi/x_7654321"]
    with site(respond) as at:
        listings, found = collected(at, tmp_path, starts=starts)
    assert set(listings) == {"7654321"}
    assert [(note.reason, note.detail) for note in found.noted] == [(reason, starts[0])]
