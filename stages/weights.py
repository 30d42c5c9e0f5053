"""Write the weights that one row's network starts from: `weights.py image cnn`."""

from __future__ import annotations

import sys
from pathlib import Path

from src.errors import UserError, run_stage
from src.models.weights import fetch_weights
from src.params import stage_params


def main() -> None:
    if len(sys.argv) != 3 or sys.argv[1] not in ("image", "text"):
        raise UserError("usage: python -m stages.weights image|text <row>")
    kind, row = sys.argv[1:]
    params = stage_params(f"weights_{kind}@{row}")
    spec = params[f"{kind}_models"][row]
    fetch_weights(kind, row, spec, params["weights"], Path("data/weights") / row)


if __name__ == "__main__":
    run_stage(main)
