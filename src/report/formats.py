"""How numbers are written on the page and in its figures."""

from __future__ import annotations


def three_decimals(value: float | None) -> str:
    """A score such as 0.873; '' for None."""
    return "" if value is None else f"{value:.3f}"


def percent(value: float) -> str:
    """A share such as 0.123 as 12.3%."""
    return f"{100 * value:.1f}%"


def thousands(value: float) -> str:
    """A whole number with a no-break space between thousands."""
    return f"{value:,.0f}".replace(",", "\u00a0")


def counted(n: int, noun: str) -> str:
    """A number with its noun: 1 listing, 2 listings."""
    return f"{thousands(n)} {noun}{'' if n == 1 else 's'}"
