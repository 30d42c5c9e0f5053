"""The section `joined`: rows that join the outputs of two others."""

from __future__ import annotations

from src.core.schema.base import RowName, Section


class JoinedRow(Section):
    """A row that joins two rows of its kind; either may be a joined row above it."""

    first: RowName
    second: RowName


class Joined(Section):
    """Joined rows by kind and name. All of them are rows of the results table."""

    image: dict[RowName, JoinedRow]
    text: dict[RowName, JoinedRow]
