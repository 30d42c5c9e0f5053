"""Listings have a time, and its day can be read from the words on the pages."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

import pytest

from src.collect.demo.dates import START, STEP, in_words, posted_at
from src.collect.demo.market import Market

NOW = datetime(2026, 5, 14, 21, 30, tzinfo=UTC)
MONTHS = (
    "января", "февраля", "марта", "апреля", "мая", "июня",
    "июля", "августа", "сентября", "октября", "ноября", "декабря",
)  # fmt: skip
UNITS = {"мин": timedelta(minutes=1), "час": timedelta(hours=1)}


def read_back(words: str, now: datetime) -> date:
    if ago := re.fullmatch(r"(\d+) (мин|час)\w* назад", words):
        return (now - int(ago[1]) * UNITS[ago[2]]).date()
    if ago := re.fullmatch(r"(\d+) (?:день|дня|дней) назад", words):
        return now.date() - timedelta(days=int(ago[1]))
    told = re.fullmatch(r"(\d+) (\w+)(?: (\d{4}))? \d\d:\d\d", words)
    assert told, words
    return date(int(told[3] or now.year), MONTHS.index(told[2]) + 1, int(told[1]))


@pytest.mark.parametrize(
    ("ago", "words"),
    [
        (timedelta(0), "1 минуту назад"),
        (timedelta(minutes=2), "2 минуты назад"),
        (timedelta(minutes=12), "12 минут назад"),
        (timedelta(minutes=35), "35 минут назад"),
        (timedelta(minutes=59, seconds=59), "59 минут назад"),
        (timedelta(hours=1), "1 час назад"),
        (timedelta(hours=4, minutes=59), "4 часа назад"),
        (timedelta(hours=5), "5 часов назад"),
        (timedelta(hours=11), "11 часов назад"),
        (timedelta(hours=21), "21 час назад"),
        (timedelta(hours=22), "1 день назад"),
        (timedelta(days=2), "2 дня назад"),
        (timedelta(days=6), "6 дней назад"),
        (timedelta(days=7), "7 мая 21:30"),
        (timedelta(days=134), "31 декабря 2025 21:30"),
    ],
)
def test_the_site_words(ago: timedelta, words: str) -> None:
    assert in_words(NOW - ago, NOW) == words


def test_every_day_of_a_large_market_is_read_back() -> None:
    now = posted_at(26_999) + timedelta(hours=1)
    forms = set()
    for index in range(27_000):
        words = in_words(posted_at(index), now)
        assert read_back(words, now) == posted_at(index).date(), words
        forms.add(re.sub(r"\d+", "N", words).split()[1])
    assert now.year == 2027 and forms > {"час", "часа", "день", "дня", "дней", "мая", "января"}


@pytest.mark.parametrize("hour", range(24))
def test_every_hour_of_a_visit_reads_back(hour: int) -> None:
    now = datetime(2026, 3, 1, hour, 7, tzinfo=UTC)
    for minutes in range(0, 10 * 24 * 60, 7):
        listed = now - timedelta(minutes=minutes)
        assert read_back(in_words(listed, now), now) == listed.date()


def test_the_truth_has_the_days(large_market: Market) -> None:
    market = Market(large_market.settings.model_copy(update={"listings": 100}), 7)
    listed = market.truth()["listed"]
    assert market.facts[0].listed == START and market.facts[5].listed - START == 5 * STEP
    assert market.now == market.facts[-1].listed + timedelta(hours=1)
    assert list(listed) == [facts.listed.date().isoformat() for facts in market.facts]
    assert listed[0] == "2026-01-01" and listed[99] == "2026-01-02"
