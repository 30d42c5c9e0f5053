"""Collect a long CSV file with 1 % bad rows, and read it with pandas: CPU time and peak memory.

python -m benchmarks.long_table [--rows 1000000]
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from argparse import ArgumentParser
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import pandas as pd

from src.collect.run import collect
from src.core.params import all_params

_HEADER = "id,title,description,price,category\n"
_TEXTS = (
    "Продаю дубовый стол, состояние хорошее, самовывоз из центра города в любое время",
    "Телефон в отличном состоянии, полный комплект, чек и коробка, торг у телефона",
    "Книга, издание 1985 года, твёрдая обложка",
)
_SHARE_BAD = 100


def main() -> None:
    """Measure a tenth of the rows and all of them; print a table."""
    parser = ArgumentParser(prog="python -m benchmarks.long_table", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--side", choices=SIDES, help="measure in this process")
    parser.add_argument("--path", type=Path)
    options = parser.parse_args()
    if options.side:
        # Of the processor, which other programs do not change.
        began = time.process_time()
        said = SIDES[options.side](options.path)
        seconds = time.process_time() - began
        peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps({"seconds": seconds, "peak_mb": peak_mb, "said": said}))
        return
    print(f"{'rows':>9}  {'MB':>5}  side    CPU s    peak MB")
    for rows in (options.rows // 10, options.rows):
        with TemporaryDirectory() as folder:
            path = Path(folder) / "listings.csv"
            bad = write_table(path, rows)
            size = path.stat().st_size / 1e6
            for side in SIDES:
                found = _measured(side, path)
                print(
                    f"{rows:>9}  {size:>5.0f}  {side:<6}  {found['seconds']:>7.1f}  "
                    f"{found['peak_mb']:>7.0f}  {found['said']}"
                )
            print(f"{'':>9}  {bad} rows were written bad")


def write_table(path: Path, rows: int) -> int:
    """Write a table of so many rows; return how many of them are bad, by turns in five ways."""
    random = Random(7)
    bad = 0
    with path.open("wb") as file:
        file.write(_HEADER.encode())
        for n in range(rows):
            text = _TEXTS[n % 3]
            cells = [
                str(n),
                f"Объявление {n}",
                f'"{text} {n}"',
                str(n % 9000),
                f"Категория {n % 17}",
            ]
            line = ",".join(cells).encode()
            if random.randrange(_SHARE_BAD) == 0:
                line = _broken(line, bad % 5)
                bad += 1
            file.write(line + b"\n")
    return bad


def _broken(line: bytes, how: int) -> bytes:
    match how:
        case 0:
            return line + b",x"
        case 1:
            return line[: line.rindex(b",") + 1]
        case 2:
            return line.replace(b'"', b"", 1)
        case 3:
            return line.replace(b"\xd0", b"\xff", 1)
        case _:
            return b"0" + line[line.index(b",") :]


def _collect(path: Path) -> str:
    settings = all_params().collect
    columns = settings.table.columns.model_copy(update={"photo": "", "split": ""})
    place = {"folder": str(path.parent), "path": path.name, "columns": columns}
    table = settings.table.model_copy(update=place)
    settings = settings.model_copy(update={"source": "table", "table": table})
    collect(settings, 7, path.parent / "out", path.parent / "crawl")
    counts = json.loads((path.parent / "out" / "notes" / "counts.json").read_text("utf-8"))
    return f"{counts['read']} read, {counts['listings']} collected"


def _pandas(path: Path) -> str:
    table = pd.read_csv(path, dtype=str, encoding_errors="replace", on_bad_lines="skip")
    return f"{len(table)} read"


SIDES = {"ours": _collect, "pandas": _pandas}


def _measured(side: str, path: Path) -> dict[str, object]:
    command = [sys.executable, "-m", "benchmarks.long_table", "--side", side, "--path", str(path)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return found


if __name__ == "__main__":
    main()
