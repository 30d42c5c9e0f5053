"""Refusing a CSV file whose names of columns may not belong to the cells below them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from src.cleaning.cells import visible
from src.cleaning.tables.layout import Layout
from src.cleaning.tables.records import Dialect
from src.cleaning.tables.unnamed import named_rightly
from src.core.errors import UserError
from src.core.wording import count_of

# Lines above the header, such as a title, are not looked for any further.
_MOST_TITLES = 20


def require_header(layout: Layout, lines: Sequence[str], path: Path, names: set[str]) -> None:
    """Raise UserError if the names of columns are there, but not where or as they should be."""
    if names & set(layout.header):
        return
    for n, line in enumerate(lines[:_MOST_TITLES]):
        cells = re.split(r'[,;|\t"]|  +', line)
        words = {visible(word) for word in cells + line.replace('"', "").split()}
        # In a text a few of the names may occur.
        if len(names & words) < max(2, len(names) / 2 if n else 0):
            continue
        if n:
            raise UserError(
                f"{path}: the names of its columns seem to be in line {layout.skip + n + 1}; "
                "remove the lines above"
            )
        raise UserError(
            f"{path}: the line with the names of its columns cannot be taken apart "
            f"({line.strip()[:60]!r}); separate them by commas, semicolons, tabs or pipes, not by "
            "spaces, and pair the quotes"
        )
    if not layout.header:
        raise UserError(
            f"{path}: the quotes do not pair in its line with the names of the columns: "
            f"{lines[0].strip()[:60]!r}"
        )


def require_rows_that_fit(layout: Layout, path: Path) -> None:
    """Raise UserError if most rows have another number of cells than the header."""
    width = len(layout.header)
    ((common, n),) = Counter(map(len, layout.sample)).most_common(1) or [(width, 0)]
    if common == width:
        return
    if width == 1:
        way_out = "remove what comes before the names of the columns"
    elif common == width + 1:
        way_out = "give each column a name (in R: row.names = FALSE)"
    else:
        way_out = "are the names of the columns in the first line, and do the quotes pair?"
    raise UserError(
        f"{path}: {n} of its first {count_of(len(layout.sample), 'row')} have "
        f"{count_of(common, 'cell')} and the header has {width} (separated by "
        f"{layout.separator}); {way_out}"
    )


def require_names_in_place(layout: Layout, lines: Sequence[str], path: Path) -> None:
    """Raise UserError if a last cell without a name may be a shift: a name may lack in front."""
    if layout.header[-1]:
        return
    whole = [row for row in layout.sample if len(row) == len(layout.header)]
    rightly = named_rightly(layout.header[:-1], whole)
    # What is quoted is a cell, and no separator too many.
    quoted = layout.dialect.separator + 2 * layout.dialect.quote
    is_cell = sum(line.rstrip("\r\n").endswith(quoted) for line in lines[1:]) * 2 > len(whole)
    if layout.added:
        sure = rightly is True and not is_cell
    else:
        sure = rightly is True or (rightly is None and layout.unnamed > 0)
    if layout.added and _may_cut_decimals(layout.dialect, whole):
        raise UserError(
            f"{path}: its rows have a cell more than the header has names, and commas may have cut "
            "its numbers (5,50); quote numbers with a decimal comma, or remove the last separators"
        )
    if not sure:
        raise UserError(
            f"{path}: its rows end in a cell without a name, so the names may belong to the cells "
            "after the first one; give each column a name (in R: row.names = FALSE) or remove the "
            "last separators"
        )


def _may_cut_decimals(dialect: Dialect, rows: Sequence[Sequence[str]]) -> bool:
    """Return whether commas may have cut numbers: two digits follow a number in every row."""
    if dialect.separator != ",":
        return False
    columns = [[cell.strip() for cell in column] for column in zip(*rows, strict=True)]
    return any(
        all(
            whole.isdecimal() and re.fullmatch(r"\d\d", part)
            for whole, part in zip(*pair, strict=True)
        )
        for pair in pairwise(columns)
    )
