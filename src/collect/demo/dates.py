"""When the demo's listings were put up, and the words in which its pages say so."""

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


def put_up(index: int) -> datetime:
    """The moment of a listing, UTC: a larger market only adds newer ones."""
    return START + index * STEP


def in_words(listed: datetime, now: datetime) -> str:
    """A moment as the site's pages tell it; read back at `now`, the words give the same UTC date.

    Minutes and hours for listings of today, days up to six, then day, month and time, and the year
    when it is another one.
    """
    days = (now.date() - listed.date()).days
    if days > 6:
        year = f" {listed.year}" if listed.year != now.year else ""
        return f"{listed.day} {_MONTHS[listed.month - 1]}{year} {listed:%H:%M}"
    if days:
        return f"{_counted(days, _DAYS)} назад"
    minutes = int((now - listed).total_seconds()) // 60
    if minutes >= 60:
        return f"{_counted(minutes // 60, _HOURS)} назад"
    return f"{_counted(max(1, minutes), _MINUTES)} назад"


def _counted(number: int, forms: tuple[str, str, str]) -> str:
    one, few, many = forms
    if 11 <= number % 100 <= 14:
        return f"{number} {many}"
    return f"{number} {one if number % 10 == 1 else few if 2 <= number % 10 <= 4 else many}"
