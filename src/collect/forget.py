"""Delete collected listings by their ids: `python -m src.collect.forget 4000000037`."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path

import pandas as pd

from src.collect.store import Store
from src.core.errors import UserError, run_command
from src.core.files import replacing


def main() -> None:
    arguments = ArgumentParser(description=__doc__)
    arguments.add_argument("id", nargs="+", help="ids from the table of listings")
    for listing_id in arguments.parse_args().id:
        print(forget_everywhere(listing_id, Path("data")))
    print(
        "Run `dvc repro` to rebuild everything that was made from them, then `dvc gc --workspace` "
        "(with `--cloud` for a remote) to delete the versions that DVC still keeps."
    )


def forget_everywhere(listing_id: str, data: Path) -> str:
    """Delete a listing from every crawl and from the raw table; return where it was found.

    No later crawl collects it again. Raises UserError if it cannot be an id, or is not found.
    """
    if not (listing_id.isascii() and listing_id.isdecimal() and len(listing_id) <= 20):
        raise UserError(f"{listing_id!r} is not a listing's id; expected digits, at most 20")
    found_in = []
    for database in sorted(data.glob("crawl/*/crawl.sqlite")):
        with Store(database.parent) as store:
            if store.forget(listing_id):
                found_in.append(str(store.folder))
    if _delete_raw(listing_id, data / "raw"):
        found_in.append(str(data / "raw"))
    if not found_in:
        raise UserError(
            f"listing {listing_id} is in no crawl and not in {data / 'raw'}; check the id"
        )
    return f"{listing_id}: deleted from {', '.join(found_in)}"


def _delete_raw(listing_id: str, raw: Path) -> bool:
    path = raw / "listings.parquet"
    if not path.exists():
        return False
    table = pd.read_parquet(path)
    kept = table[table["id"] != listing_id]
    if len(kept) == len(table):
        return False
    unused = set(table["photo"].dropna()) - set(kept["photo"].dropna())
    with replacing(path) as beside:
        kept.to_parquet(beside, index=False)
    for photo in unused:
        (raw / "photos" / photo).unlink(missing_ok=True)
    for notes in (raw / "notes").glob("*.csv"):
        rows = pd.read_csv(notes, dtype=str, keep_default_na=False)
        with replacing(notes) as beside:
            rows[rows["id"] != listing_id].to_csv(beside, index=False)
    return True


if __name__ == "__main__":
    run_command(main)
