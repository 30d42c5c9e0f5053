"""Stage collect: listings from the demo, the user's table or the real site into data/raw.

Options override params.yaml for this run: `python -m stages.collect --limit 500`.
"""

from __future__ import annotations

import os
from argparse import ArgumentParser
from pathlib import Path

from src.collect.run import collect
from src.core.errors import UserError
from src.core.params import override, stage_params
from src.core.timing import run_stage


def main() -> None:
    arguments = ArgumentParser(description=__doc__)
    arguments.add_argument("--limit", type=int, help="stop at so many listings in all")
    arguments.add_argument("--per-category", type=int, help="at most so many of one category")
    arguments.add_argument("--since", help="leave out listings older than this date")
    arguments.add_argument(
        "--no-fetch", dest="fetch", action="store_false", default=None,
        help="use only what an earlier crawl has collected",
    )  # fmt: skip
    changes = {k: v for k, v in vars(arguments.parse_args()).items() if v is not None}
    params = stage_params("collect")
    settings = params.collect
    if changes and settings.source != "avito":
        raise UserError(
            f"collect.source is {settings.source}; expected avito where options are given: "
            "set it in params.yaml, or leave them out"
        )
    if changes:
        avito = override(settings.avito, changes, "collect.avito")
        settings = settings.model_copy(update={"avito": avito})
    # A queued experiment runs in another folder; a crawl of the real site is shared by all.
    root = os.environ.get("DVC_ROOT", "") if settings.source == "avito" else ""
    collect(settings, params.seed, Path("data/raw"), Path(root) / "data" / "crawl")


if __name__ == "__main__":
    run_stage("collect", main)
