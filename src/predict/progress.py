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
        self.listings: dict[str, int] = {}
        self.bytes: dict[str, float] = {}
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
        self.listings[table] = done
        self.bytes[table] = self.sizes[table] * (done / total if total else 1)
        listings = sum(self.listings.values())
        rate = listings / (time.monotonic() - self.began)
        self.bar.set_postfix_str(f"{listings:,} listings, {rate:,.0f} a second", refresh=False)
        self.bar.update(sum(self.bytes.values()) - self.bar.n)
