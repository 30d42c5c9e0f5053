"""Dates in the forms in which pages show them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from src.collect.pages.dates import shown_date, timestamp_date

_NOW = datetime(2025, 3, 14, 0, 20, tzinfo=timezone(timedelta(hours=3)))


@pytest.mark.parametrize(
    ("shown", "day"),
    [
        ("только что", "2025-03-14"),
        ("10 минут назад", "2025-03-14"),
        ("30 минут назад", "2025-03-13"),
        ("минуту назад", "2025-03-14"),
        ("несколько секунд назад", "2025-03-14"),
        ("1 час назад", "2025-03-13"),
        ("5\xa0часов назад", "2025-03-13"),
        ("день назад", "2025-03-13"),
        ("5 дней назад", "2025-03-09"),
        ("2 недели назад", "2025-02-28"),
        ("неделю назад", "2025-03-07"),
        ("1 месяц назад", "2025-02-12"),
        ("Сегодня 00:05", "2025-03-14"),
        ("вчера", "2025-03-13"),
        ("Вчера в 14:05", "2025-03-13"),
        ("позавчера", "2025-03-12"),
        ("12 марта 14:05", "2025-03-12"),
        ("12 марта", "2025-03-12"),
        ("30 декабря 20:25", "2024-12-30"),
        ("1 мая", "2024-05-01"),
        ("12 марта 2023", "2023-03-12"),
        ("12 марта 2023, 14:05", "2023-03-12"),
        ("3 авг. 2021", "2021-08-03"),
    ],
)
def test_shown_dates(shown: str, day: str) -> None:
    assert shown_date(shown, _NOW) == day


@pytest.mark.parametrize(
    "shown",
    ["", "скоро", "31 февраля", "31 февраля 2024", "99 марта", "9999 лет назад", "12 марта 0000"]
    + ["5 дней", "назад", "99999999 дней назад", "²² марта", "12" * 5_000],
)
def test_what_is_not_a_date(shown: str) -> None:
    assert shown_date(shown, _NOW) is None


@pytest.mark.parametrize("shown", ["1 час назад", "вчера", "только что", "12 марта 14:05"])
def test_relative_dates_need_the_time(shown: str) -> None:
    assert shown_date(shown, None) is None
    assert shown_date("12 марта 2025", None) == "2025-03-12"


@pytest.mark.parametrize(
    ("stamp", "day"),
    [
        (1_741_780_800_000, "2025-03-12"),
        (1_741_780_800, "2025-03-12"),
        (1_741_780_800_000.0, "2025-03-12"),
        ("1741780800000", "2025-03-12"),
        (1_741_823_999_999, "2025-03-12"),
        (1_741_824_000_000, "2025-03-13"),
        (0, None),
        (-1, None),
        (True, None),
        (10**40, None),
        (float("nan"), None),
        (float("inf"), None),
        ("", None),
        ("²", None),
        ([], None),
        (None, None),
    ],
)
def test_timestamps(stamp: object, day: str | None) -> None:
    assert timestamp_date(stamp) == day


def test_the_day_is_that_of_the_given_time_zone() -> None:
    midnight = datetime(2025, 3, 13, 22, 0, tzinfo=UTC)
    assert shown_date("1 час назад", midnight) == "2025-03-13"
    assert shown_date("1 час назад", midnight.astimezone(_NOW.tzinfo)) == "2025-03-14"
