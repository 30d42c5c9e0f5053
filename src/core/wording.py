"""Words for people, used in messages and pages."""

from __future__ import annotations


def count_of(n: int, noun: str) -> str:
    """Return a number with its noun, singular or plural: `1 listing`, `2 listings`."""
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"
