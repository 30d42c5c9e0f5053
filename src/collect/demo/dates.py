"""When the demo's listings were posted, and the words in which its pages say so."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

START = datetime(2026, 1, 1, 8, tzinfo=UTC)
STEP = timedelta(minutes=20)
_MONTHS = (
    "января", "февраля", "марта", "апреля", "мая", "июня",
    "июля", "августа", "сентября", "октября", "ноября", "декабря",
)  # fmt: skip
_MINUTES = ("минуту", "минуты", "минут")
_HOURS = ("час", "часа", "часов")
_DAYS = ("день", "дня", "дней")


def posted_at(index: int) -> datetime:
    """Return a listing's time, UTC; a larger market only adds newer listings."""
    return START + index * STEP


def in_words(posted: datetime, now: datetime) -> str:
    """Write a time as the site's pages do; read at `now`, the words give the same UTC date.

    Minutes and hours for today, days up to six, then day, month and time, with the year unless it
    is the current one.
    """
    days = (now.date() - posted.date()).days
    if days > 6:
        year = f" {posted.year}" if posted.year != now.year else ""
        return f"{posted.day} {_MONTHS[posted.month - 1]}{year} {posted:%H:%M}"
    if days:
        return f"{_counted(days, _DAYS)} назад"
    minutes = int((now - posted).total_seconds()) // 60
    if minutes >= 60:
        return f"{_counted(minutes // 60, _HOURS)} назад"
    return f"{_counted(max(1, minutes), _MINUTES)} назад"


def _counted(number: int, forms: tuple[str, str, str]) -> str:
    one, few, many = forms
    if 11 <= number % 100 <= 14:
        return f"{number} {many}"
    return f"{number} {one if number % 10 == 1 else few if 2 <= number % 10 <= 4 else many}"
