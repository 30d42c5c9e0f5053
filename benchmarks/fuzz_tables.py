"""Collect damaged tables: nothing may be raised, no whole row lost or changed without a word.

python -m benchmarks.fuzz_tables [--tables 5000] [--seed 7]
"""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from tempfile import TemporaryDirectory

from tqdm import tqdm

from tests.collect.table_fuzz import outcome


def main() -> int:
    """Fuzz and print what was found; return 1 if a row was lost or changed in silence."""
    parser = ArgumentParser(prog="python -m benchmarks.fuzz_tables", description=__doc__)
    parser.add_argument("--tables", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    outcomes = []
    for number in tqdm(range(options.tables), unit="table", disable=None):
        with TemporaryDirectory() as folder:
            outcomes.append(outcome(f"{options.seed} {number}", Path(folder) / "table"))
    wrong = [one.wrong for one in outcomes if one.wrong]
    whole, read = sum(one.whole for one in outcomes), sum(one.read for one in outcomes)
    noted = sum(one.noted for one in outcomes)
    refused = sum(one.refused for one in outcomes)
    print(
        f"{len(outcomes)} damaged tables, {refused} refused in one line; of {whole} rows that are "
        f"whole {read} were read as they are, {noted} became lines of a text, which a note "
        f"names, {whole - read - noted} were set aside or refused with a reason; "
        f"lost or changed in silence: in {len(wrong)} tables"
    )
    for line in wrong[:10]:
        print(line)
    return bool(wrong)


if __name__ == "__main__":
    raise SystemExit(main())
