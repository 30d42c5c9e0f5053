"""What was collected and what was not, in lines for the user."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from src.cleaning import ids
from src.collect.collected import Collected, Listing, Note
from src.core.wording import count_of

_NUMBER_ROWS = (
    "give a column of short ids, or set collect.table.columns.id to '' to number the rows"
)
_WAYS_OUT = {ids.NONE: _NUMBER_ROWS, ids.LOST: _NUMBER_ROWS, ids.ODD: _NUMBER_ROWS}


@dataclass
class Counts:
    """How many listings were collected, and what they have."""

    listings: int = 0
    with_photo: int = 0
    with_text: int = 0
    with_price: int = 0
    with_date: int = 0
    categories: Counter[str] = field(default_factory=Counter)

    def add(self, listing: Listing) -> None:
        self.listings += 1
        self.with_photo += listing.photo is not None
        self.with_text += bool(listing.title or listing.text)
        self.with_price += listing.price is not None
        self.with_date += listing.listed is not None
        self.categories[listing.category] += 1


def require_all_rows(collected: Collected, listings: int) -> None:
    """Raise AssertionError if a row of the user's table is neither collected nor rejected."""
    if collected.read is not None and collected.read != listings + len(collected.rejected):
        raise AssertionError(
            f"{collected.read} table rows were read, {listings} collected and "
            f"{len(collected.rejected)} set aside: some are lost, which is a fault of this program"
        )


def summary_lines(collected: Collected, counts: Counts, source: str, notes: Path) -> Iterator[str]:
    """Yield the lines that end the stage: how the source was read, and what became of its rows."""
    yield from collected.said
    rejected = len(collected.rejected)
    if collected.read is None:
        yield f"listings collected from {source}: {counts.listings}, set aside: {rejected}"
    else:
        kept = counts.listings
        yield f"table rows read: {collected.read} = {kept} collected + {rejected} set aside"
    yield (
        f"of {count_of(counts.listings, 'listing')}, with a photo: {counts.with_photo}, with a "
        f"text: {counts.with_text}, with a price: {counts.with_price}, with a date: "
        f"{counts.with_date}; categories: {len(counts.categories)}"
    )
    for name, told in (("set aside", collected.rejected), ("noted", collected.noted)):
        if told:
            yield f"{name}: {'; '.join(_by_reason(told))}"
    if rejected or collected.noted:
        yield f"all of them: {notes / 'rejected.csv'} and {notes / 'noted.csv'}"


def nothing_collected(collected: Collected, source: str, notes: Path) -> str:
    """Return why a source has no listings: the most common reasons, and the way out."""
    told = [*collected.rejected, *collected.noted]
    if not told:
        return f"nothing was collected from {source} (it is empty); check collect.{source}"
    ((reason, _),) = Counter(note.reason for note in told).most_common(1)
    way_out = _WAYS_OUT.get(reason, f"check the settings in collect.{source}")
    said = "".join(f"; {line}" for line in collected.said)
    why = "; ".join(list(_by_reason(told))[:3])
    return f"nothing was collected from {source} ({why}); {way_out}; see {notes}{said}"


def _by_reason(notes: Iterable[Note]) -> Iterator[str]:
    """Yield each reason with its number of notes and its first example, the most common first."""
    first: dict[str, Note] = {}
    counts: Counter[str] = Counter()
    for note in notes:
        counts[note.reason] += 1
        first.setdefault(note.reason, note)
    for reason, n in counts.most_common():
        listing_id, _, detail = first[reason]
        example = ", ".join(filter(None, (listing_id and f"id {listing_id}", detail)))
        yield f"{reason}: {n}" + (f" (e.g. {example})" if example else "")
