"""Delete a listing that was collected, by its id: `python -m src.collect.forget 4000000037`."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path

import pandas as pd

from src.collect.snapshot import forget
from src.collect.store import Store
from src.core.errors import UserError, run_command
from src.core.files import replacing


def main() -> None:
    arguments = ArgumentParser(description=__doc__)
    arguments.add_argument("id", nargs="+", help="ids as the table of listings has them")
    given = arguments.parse_args()
    for number in given.id:
        print(forget_everywhere(number, Path("data")))
    print(
        "Run `dvc repro` to make anew all that was made from them, then `dvc gc --workspace` "
        "(for a remote `--cloud` too) to drop the versions that DVC keeps of it."
    )


def forget_everywhere(number: str, data: Path) -> str:
    """Delete a listing from every crawl's store and from the raw table; says where it was.

    No later crawl collects it again. Raises UserError for what cannot be an id, and when the
    listing is nowhere.
    """
    if not (number.isascii() and number.isdecimal() and len(number) <= 20):
        raise UserError(f"{number!r} is no listing's id; expected digits, at most 20")
    where = []
    for folder in sorted(data.glob("crawl/*/crawl.sqlite")):
        with Store(folder.parent) as store:
            if forget(store, number):
                where.append(str(folder.parent))
    if _delete_raw(number, data / "raw"):
        where.append(str(data / "raw"))
    if not where:
        raise UserError(f"listing {number} is in no crawl and not in {data / 'raw'}")
    return f"{number}: deleted from {', '.join(where)}"


def _delete_raw(number: str, raw: Path) -> bool:
    path = raw / "listings.parquet"
    if not path.exists():
        return False
    table = pd.read_parquet(path)
    kept = table[table["id"] != number]
    if len(kept) == len(table):
        return False
    gone = set(table["photo"].dropna()) - set(kept["photo"].dropna())
    with replacing(path) as beside:
        kept.to_parquet(beside, index=False)
    for photo in gone:
        (raw / "photos" / photo).unlink(missing_ok=True)
    for notes in (raw / "notes").glob("*.csv"):
        rows = pd.read_csv(notes, dtype=str, keep_default_na=False)
        with replacing(notes) as beside:
            rows[rows["id"] != number].to_csv(beside, index=False)
    return True


if __name__ == "__main__":
    run_command(main)
