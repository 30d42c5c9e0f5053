"""What the section `collect` may contain, and the one line that says what is wrong with it."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from src.core.errors import UserError
from src.core.params import override, parse_params
from tests.core.test_params import CONTENT, changed, fault

DEMO = CONTENT["collect"]["demo"]
COLUMNS = CONTENT["collect"]["table"]["columns"]


def test_an_unknown_source_is_named_with_the_known_ones() -> None:
    found = fault(changed("collect.source", "ebay"))
    assert found == "collect.source is 'ebay'; expected demo, table or avito"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"starts": []}, "collect.avito.starts is []; expected a list with at least one entry"),
        ({"limit": -1}, "collect.avito.limit is -1; expected a whole number from 0 to"),
        ({"per_category": "many"}, "collect.avito.per_category is 'many'; expected a whole number"),
        ({"since": "yesterday"}, "collect.avito.since is 'yesterday'; expected a date such as"),
        ({"since": False}, "collect.avito.since is false; expected a date such as"),
        ({"since": 0}, "collect.avito.since is 0; expected a date such as"),
        ({"starts": [""]}, "collect.avito.starts.0 is ''; expected text that is not empty"),
    ],
)
def test_a_wrong_setting_of_the_real_site_is_one_line(change: dict[str, Any], words: str) -> None:
    found = fault(changed("collect.avito", CONTENT["collect"]["avito"] | change))
    assert found.startswith(words)


@pytest.mark.parametrize("given", ["2026-01-31", date(2026, 1, 31), "20260131", "2026-W05-6"])
def test_a_date_may_be_written_in_any_iso_form(given: object) -> None:
    assert parse_params(changed("collect.avito.since", given)).collect.avito.since == "2026-01-31"
    assert parse_params(changed("collect.avito.since", None)).collect.avito.since == ""


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"repost": 1.5}, "collect.demo.repost is 1.5; expected a number from 0 to 1"),
        ({"listings": 0}, "collect.demo.listings is 0; expected a whole number from 1 to"),
        ({"no_photo": 0.9, "dull_photo": 0.2}, "no_photo + dull_photo + broken_photo is 1.11; "),
        ({"no_text": 0.9, "dull_text": 0.2}, "dull_text + no_text is 1.1; expected at most 1"),
        ({"reposts": 0.1}, "collect.demo.reposts is unknown; did you mean repost?"),
        ({"contacts": "much"}, "collect.demo.contacts is 'much'; expected a number from 0 to 1"),
        ({"photo_size": 64.5}, "collect.demo.photo_size is 64.5; expected a whole number from 32"),
        ({"photo_size": 31}, "collect.demo.photo_size is 31; expected a whole number from 32"),
        ({"faults": 0.1}, "collect.demo.faults is 0.1; expected a section with busy, reset, stall"),
    ],
)
def test_wrong_settings_of_the_demo_are_refused(change: dict[str, Any], words: str) -> None:
    assert words in fault(changed("collect.demo", DEMO | change))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"cut": -0.1}, "collect.demo.faults.cut is -0.1; expected a number from 0 to 1"),
        ({"busy": float("nan")}, "collect.demo.faults.busy is nan; expected a number from 0 to 1"),
        ({"stall_s": 0}, "collect.demo.faults.stall_s is 0; expected a number above 0"),
        ({"stall_s": "long"}, "collect.demo.faults.stall_s is 'long'; expected a number above 0"),
        ({"busy": 0.6, "captcha": 0.6}, "is 1.265; expected at most 1: lower one of them"),
        ({"rude": 0.1}, "collect.demo.faults.rude is unknown; expected one of busy, reset, stall"),
    ],
)
def test_wrong_faults_are_refused(change: dict[str, Any], words: str) -> None:
    assert words in fault(changed("collect.demo.faults", DEMO["faults"] | change))


def test_settings_that_are_right_are_taken_as_they_are() -> None:
    assert parse_params(CONTENT).collect.model_dump() == CONTENT["collect"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"path": ""}, "collect.table.path is ''; expected text that is not empty"),
        ({"columns": COLUMNS | {"category": ""}}, "collect.table.columns.category is ''; expected"),
        (
            {"columns": COLUMNS | {"title": "", "text": "", "photo": ""}},
            "collect.table.columns: title, text and photo are all ''; expected",
        ),
        ({"folder": "~/ads"}, "collect.table.folder is '~/ads'; expected a path without ~, which"),
        ({"photos": "~/photos"}, "collect.table.photos is '~/photos'; expected a path without ~"),
        ({"columns": COLUMNS | {"titel": "name"}}, "collect.table.columns.titel is unknown; did"),
        (
            {"columns": COLUMNS | {"text": " category"}},
            "collect.table.columns.text is 'category', as category is, so the category would be "
            "known beforehand; expected a column of its own, or '' for none",
        ),
        ({"columns": COLUMNS | {"photo": "category"}}, "columns.photo is 'category', as category"),
        ({"columns": COLUMNS | {"price": "id"}}, "columns.id is 'id', as price is; expected"),
        ({"columns": COLUMNS | {"seller": "part"}}, "columns.seller is 'part', as split is;"),
        ({"columns": COLUMNS | {"listed": "price"}}, "columns.listed is 'price', as price is;"),
    ],
)
def test_a_mistake_in_the_settings_of_a_table_is_one_clear_line(
    change: dict[str, Any], words: str
) -> None:
    assert words in fault(changed("collect.table", CONTENT["collect"]["table"] | change))


@pytest.mark.parametrize(
    "change",
    [
        {"text": COLUMNS["title"]},
        {"photo": COLUMNS["id"]},
        {"photo": COLUMNS["title"]},
        {"seller": COLUMNS["id"]},
        {"seller": "", "split": "", "listed": "", "price": ""},
    ],
)
def test_fields_may_share_a_column_where_that_tells_nothing(change: dict[str, str]) -> None:
    columns = COLUMNS | change
    found = parse_params(changed("collect.table.columns", columns)).collect.table.columns
    assert found.model_dump() == columns


def test_options_are_checked_as_params_yaml_is() -> None:
    avito = parse_params(CONTENT).collect.avito
    changed_copy = override(avito, {"limit": 5, "since": "2026-01-31"}, "collect.avito")
    assert changed_copy == avito.model_copy(update={"limit": 5, "since": "2026-01-31"})
    with pytest.raises(UserError) as refused:
        override(avito, {"limit": -5}, "collect.avito")
    expected = "collect.avito: limit is -5; expected a whole number from 0 to 1000000000"
    assert str(refused.value) == expected
