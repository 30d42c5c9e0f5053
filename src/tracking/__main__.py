"""The versions of the registered model, and which is in service: `python -m src.tracking`."""

from __future__ import annotations

import argparse

from src.core.errors import UserError, run_command
from src.core.params import stage_params
from src.core.unfinished import repository
from src.predict.mlflow_store import (
    configure_mlflow,
    reason_of,
    store_errors,
    tracking_uri,
    without_password,
)
from src.tracking.experiment import open_experiment
from src.tracking.registry import champion_of, force, versions_of

_USAGE = """
  python -m src.tracking
  python -m src.tracking --force 3 --because "the categories are new"
"""


def main() -> None:
    parser = argparse.ArgumentParser("python -m src.tracking", usage=_USAGE, description=__doc__)
    parser.add_argument(
        "--force", metavar="VERSION", help="make it the champion, whatever the test says"
    )
    parser.add_argument("--because", metavar="TEXT", help="why, for those who come later")
    options = parser.parse_args()
    if bool(options.force) != bool(options.because):
        parser.error("--force needs --because, and the other way round")
    tracking, home = stage_params("track").tracking, repository()
    name = tracking.registered_model
    configure_mlflow()
    try:
        with open_experiment(tracking.experiment, home) as (client, _, _):
            if options.force:
                force(client, name, options.force, " ".join(options.because.split()))
            champion, versions = champion_of(client, name), versions_of(client, name)
    except store_errors() as error:
        shown = without_password(tracking_uri(home))
        raise UserError(f"MLflow at {shown} cannot be used ({reason_of(error)})") from error
    if not versions:
        raise UserError(f"{name} has no version yet; `dvc repro` registers one")
    for version in versions:
        mark = "champion" if str(version.version) == champion else "        "
        print(f"{mark}  {version.version}  {version.description}")


if __name__ == "__main__":
    run_command(main)
