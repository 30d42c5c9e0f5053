"""Labels that people put right: their files, and what they change among the listings."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from src.core.errors import UserError
from src.core.files import replacing
from src.core.wording import count_of

# The category of a listing that fits none.
NEITHER = ""

CHANGED_SINCE = "the listing has another label by now"
GONE = "the listing is no longer there"
UNKNOWN = "no listing was collected with this category"


@dataclass(frozen=True)
class Correction:
    """What a person decided of one listing; the columns of a file of corrections.

    Attributes:
        id: of the listing.
        category: the right one; NEITHER if it fits none.
        was: its label when the person saw it; '' if it had none.
        by: who decided.
        at: when, in ISO 8601; in UTC if it does not say otherwise.
    """

    id: str
    category: str
    was: str
    by: str
    at: str

    @property
    def time(self) -> datetime:
        """When it was decided; raises ValueError if `at` is no time."""
        at = datetime.fromisoformat(self.at)
        return at if at.tzinfo else at.replace(tzinfo=UTC)


COLUMNS = tuple(field.name for field in fields(Correction))


class Corrected(NamedTuple):
    """The category of each listing, [N], NEITHER where none fits; and notes for people."""

    category: pd.Series
    notes: dict[str, Any]


def read_corrections(path: Path) -> list[Correction]:
    """Read one file of corrections; raises UserError for anything that is no such file."""
    found = []
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = csv.DictReader(file, strict=True)
            if lines.fieldnames is None or not set(COLUMNS) <= set(lines.fieldnames):
                raise UserError(
                    f"{path}: the first line is {','.join(lines.fieldnames or [])!r}; expected "
                    f"the columns {','.join(COLUMNS)}, separated by commas"
                )
            for line in lines:
                values = [line[name] for name in COLUMNS]
                if None in values or None in line:
                    raise UserError(
                        f"{path}, line {lines.line_num}: expected {len(lines.fieldnames)} cells, "
                        "separated by commas"
                    )
                found.append(_checked(Correction(*values), f"{path}, line {lines.line_num}"))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path} cannot be read ({error}); expected a CSV file in UTF-8") from error
    return found


def write_corrections(corrections: Iterable[Correction], path: Path) -> None:
    """Write a file of corrections, whole or not at all."""
    with replacing(path) as beside, beside.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(astuple(correction) for correction in corrections)


def read_corrections_folder(folder: Path) -> list[Correction]:
    """Read all files of corrections in a folder, one for each person; raises UserError."""
    return [one for path in sorted(folder.glob("*.csv")) for one in read_corrections(path)]


def latest(corrections: Sequence[Correction]) -> dict[str, Correction]:
    """Return the decision that counts for each listing, by its id: the latest."""
    return {one.id: one for one in sorted(corrections, key=lambda one: one.time)}


def conflicts(corrections: Sequence[Correction]) -> list[tuple[Correction, Correction]]:
    """Return where people disagree: the decision that counts, and another person's last one."""
    counts = latest(corrections)
    last = {(one.id, one.by): one for one in sorted(corrections, key=lambda one: one.time)}
    return [
        (counts[one.id], one)
        for one in last.values()
        if one.by != counts[one.id].by and one.category != counts[one.id].category
    ]


def correct(raw: pd.DataFrame, corrections: Sequence[Correction]) -> Corrected:
    """Apply what people decided to the listings that they decided it of.

    Args:
        raw: listings, schema RAW.

    Returns:
        Categories with the index of `raw`. In the notes: how many labels were `kept`, the labels
        of those `changed` and `set_aside` as they were, by id; `not_applied`, each decision with
        the reason; and `conflicts`.
    """
    category = raw["category"].copy()
    row_of = {listing: row for row, listing in zip(raw.index, raw["id"], strict=True)}
    known = {*category, NEITHER}
    kept, not_applied = 0, []
    was: dict[str, dict[str, str]] = {"changed": {}, "set_aside": {}}
    for one in latest(corrections).values():
        label = category[row_of[one.id]] if one.id in row_of else None
        if label == one.category:
            kept += 1
        elif label is None or label != one.was or one.category not in known:
            reason = GONE if label is None else CHANGED_SINCE if label != one.was else UNKNOWN
            not_applied.append(vars(one) | {"reason": reason})
        else:
            category[row_of[one.id]] = one.category
            was["set_aside" if one.category == NEITHER else "changed"][one.id] = label
    disagreements = [
        {"id": now.id, "by": now.by, "category": now.category, "not_by": other.by,
         "not_category": other.category}
        for now, other in conflicts(corrections)
    ]  # fmt: skip
    notes = {"kept": kept, **was, "not_applied": not_applied, "conflicts": disagreements}
    return Corrected(category, notes)


def corrections_said(notes: dict[str, Any]) -> list[str]:
    """Return sentences on what the corrections did, for people; none without corrections.

    Args:
        notes: of `correct`, with how many of those `changed` and `set_aside` are in test, as
            `changed_in_test` and `set_aside_in_test`.
    """
    said = []
    changed, aside = len(notes["changed"]), len(notes["set_aside"])
    if notes["kept"] or changed or aside:
        said.append(
            f"labels that people looked at: {changed} changed, {notes['kept']} kept, {aside} fit "
            "no category and were set aside"
        )
    if notes["changed_in_test"] or notes["set_aside_in_test"]:
        said.append(
            f"the yardstick changed: of the test listings {notes['changed_in_test']} have another "
            f"label and {notes['set_aside_in_test']} are set aside; f1_macro_as_labelled and "
            "accuracy_as_labelled are the scores by the labels as they were"
        )
    for reason in (CHANGED_SINCE, GONE, UNKNOWN):
        ids = [one["id"] for one in notes["not_applied"] if one["reason"] == reason]
        if ids:
            decisions = count_of(len(ids), "decision")
            said.append(f"not applied: {decisions}, {reason} (e.g. {ids[0]})")
    if notes["conflicts"]:
        first = notes["conflicts"][0]
        said.append(
            f"people disagree on {count_of(len(notes['conflicts']), 'listing')}; the later "
            f"decision counts (e.g. {first['id']}: {_named(first['category'])} by {first['by']}, "
            f"not {_named(first['not_category'])} by {first['not_by']})"
        )
    return said


def _named(category: str) -> str:
    return category or "no category"


def _checked(one: Correction, where: str) -> Correction:
    if not one.id:
        raise UserError(f"{where}: id is empty; expected the id of a listing")
    try:
        _ = one.time
    except ValueError as error:
        raise UserError(
            f"{where}: at is {one.at!r}; expected a time such as 2026-01-31T18:00:00Z"
        ) from error
    return one
