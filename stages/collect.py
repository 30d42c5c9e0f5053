"""Stage collect: listings from the demo, the user's table or the real site into data/raw.

Run by itself, `python -m stages.collect --limit 500` says for once what params.yaml says.
"""

from __future__ import annotations

import os
from argparse import ArgumentParser
from pathlib import Path

from src.collect.run import collect
from src.core.params import stage_params
from src.core.timing import run_stage


def main() -> None:
    arguments = ArgumentParser(description=__doc__)
    arguments.add_argument("--limit", type=int, help="listings in all (collect.avito.limit)")
    arguments.add_argument("--per-category", type=int, help="listings of one category")
    arguments.add_argument("--since", help="leave out listings older than this date")
    arguments.add_argument("--no-fetch", dest="fetch", action="store_false", default=None)
    params = stage_params("collect")
    given = {k: v for k, v in vars(arguments.parse_args()).items() if v is not None}
    params["collect"]["avito"] |= given
    # A queued experiment runs in another folder; a crawl of the real site is there for all.
    root = os.environ.get("DVC_ROOT", "") if params["collect"]["source"] == "avito" else ""
    collect(params, Path("data/raw"), Path(root) / "data" / "crawl")


if __name__ == "__main__":
    run_stage("collect", main)
