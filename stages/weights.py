"""Write the weights that one row's network starts from: `weights.py image cnn`."""

from __future__ import annotations

import sys
from pathlib import Path

from src.core.errors import UserError
from src.core.params import stage_params
from src.core.timing import run_stage
from src.encoders.weights.fetch import fetch_weights


def main() -> None:
    if len(sys.argv) != 3 or sys.argv[1] not in ("image", "text"):
        raise UserError("usage: python -m stages.weights image|text <row>")
    kind, row = sys.argv[1:]
    params = stage_params(f"weights_{kind}@{row}")
    spec = params[f"{kind}_models"][row]
    fetch_weights(kind, row, spec, params["weights"], Path("data/weights") / row)


if __name__ == "__main__":
    run_stage("weights_{}@{}".format(*sys.argv[1:]), main)
