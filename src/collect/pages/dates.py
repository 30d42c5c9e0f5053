"""The day a listing was posted, from the forms in which pages show it."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

_AGO = re.compile(
    r"(?:(?<!\d)(\d{1,4}) |(?<!\d )\b)"
    r"(секунд|минут|час|день|дн|недел|месяц|год|лет)[а-я]* назад"
)
_DAY = re.compile(r"(?<!\d)(\d{1,2}) ([а-я]{3})[а-я]*")
_YEAR = re.compile(r"[ ,.]*(\d{4})(?![\d:])")
_NAMES = ["янв", "фев", "мар", "апр", "мая", "июн", "июл", "авг", "сен", "окт", "ноя", "дек"]
_MONTHS = {name: month for month, name in enumerate(_NAMES, start=1)} | {"май": 5}
_SPANS = {
    "секунд": timedelta(seconds=1),
    "минут": timedelta(minutes=1),
    "час": timedelta(hours=1),
    "день": timedelta(days=1),
    "дн": timedelta(days=1),
    "недел": timedelta(weeks=1),
    "месяц": timedelta(days=30),
    "год": timedelta(days=365),
    "лет": timedelta(days=365),
}
_MAX_LENGTH = 100
# A larger timestamp is in milliseconds: in seconds it would be after the year 5100.
_MILLISECONDS = 1e11
_FIRST, _LAST = date(2000, 1, 1), date(2100, 1, 1)


def shown_date(shown: str, now: datetime | None) -> str | None:
    """Parse "5 дней назад", "вчера", "12 марта 14:05" or "12 марта 2025" into YYYY-MM-DD, or None.

    Dates that are relative, or have no year, need `now`.
    """
    text = " ".join(shown[:_MAX_LENGTH].lower().split())
    try:
        if (found := _DAY.search(text)) and found[2] in _MONTHS:
            return _day(found, text, now)
        day = None if now is None else _relative(text, now)
    except (ValueError, OverflowError):
        return None
    return day.isoformat() if day else None


def timestamp_date(stamp: object) -> str | None:
    """Return the UTC date of a timestamp in milliseconds or seconds, YYYY-MM-DD, or None."""
    if isinstance(stamp, str) and stamp.isascii() and stamp.isdecimal() and len(stamp) <= 16:
        stamp = int(stamp)
    if isinstance(stamp, bool) or not isinstance(stamp, int | float):
        return None
    try:
        seconds = stamp / 1000 if stamp > _MILLISECONDS else stamp
        day = datetime.fromtimestamp(seconds, UTC).date()
    except (ValueError, OverflowError, OSError):
        return None
    return day.isoformat() if _FIRST <= day <= _LAST else None


def _day(found: re.Match[str], text: str, now: datetime | None) -> str | None:
    day, month = int(found[1]), _MONTHS[found[2]]
    if year := _YEAR.match(text, found.end()):
        return date(int(year[1]), month, day).isoformat()
    if now is None:
        return None
    past = (month, day) <= (now.month, now.day)
    return date(now.year if past else now.year - 1, month, day).isoformat()


def _relative(text: str, now: datetime) -> date | None:
    if ago := _AGO.search(text):
        return (now - int(ago[1] or 1) * _SPANS[ago[2]]).date()
    if "позавчера" in text:
        return now.date() - timedelta(days=2)
    if "вчера" in text:
        return now.date() - timedelta(days=1)
    if "сегодня" in text or "только что" in text:
        return now.date()
    return None
