"""How far a job over many tables is."""

from __future__ import annotations

import time
from collections.abc import Sequence

from tqdm import tqdm

from src.core.places import PlacedFile
from src.core.wording import count_of


class BulkProgress:
    """One bar over many tables, with their share that is done and the rate; a context manager."""

    def __init__(self, tables: Sequence[PlacedFile]) -> None:
        self.sizes = {table.place: table.size for table in tables}
        # Of all tables; and what each that is not at its end adds to them.
        self.listings = self.bytes = 0
        self.open: dict[str, tuple[int, int]] = {}
        self.began = time.monotonic()
        self.bar = tqdm(
            total=sum(self.sizes.values()),
            desc=count_of(len(tables), "table"),
            bar_format="{l_bar}{bar}| {elapsed}<{remaining}{postfix}",
            disable=None,
        )

    def __enter__(self) -> BulkProgress:
        return self

    def __exit__(self, *_: object) -> None:
        self.bar.close()

    def tell(self, table: str, done: int, total: int) -> None:
        """Show how many listings of a table are done; one that is begun again starts at 0."""
        if table not in self.sizes:
            return  # told before its end, come after it
        before = self.open.get(table, (0, 0))
        now = done, round(self.sizes[table] * (done / total if total else 1))
        self.open[table] = now
        self.listings += now[0] - before[0]
        self.bytes += now[1] - before[1]
        rate = self.listings / (time.monotonic() - self.began)
        self.bar.set_postfix_str(f"{self.listings:,} listings, {rate:,.0f} a second", refresh=False)
        self.bar.update(self.bytes - self.bar.n)

    def end(self, table: str, listings: int) -> None:
        """Show that a table is at its end, with so many listings; 0 without a result."""
        self.tell(table, listings, listings)
        del self.sizes[table], self.open[table]
