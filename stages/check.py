"""Stage check: refuse a choice that cannot work before anything is computed."""

from __future__ import annotations

from pathlib import Path

from src.core.errors import UserError
from src.core.files import write_json
from src.core.params import all_params
from src.core.timing import run_stage


def main() -> None:
    # All of params.yaml, though only the choices are declared: what is written never changes, so
    # nothing downstream depends on it, and a new learning rate need not be checked against names.
    params = all_params()
    rows = {kind: names or [] for kind, names in params["rows"].items()}
    choices = (("model", "image"), ("text_model", "text"), ("fused_model", "fused"))
    for choice, kind in choices:
        if params[choice] not in rows[kind]:
            raise UserError(
                f"{choice} is {params[choice]!r}; expected one of {', '.join(rows[kind])}: "
                f"choose one of these, or add it to rows.{kind} in params.yaml"
            )
    for kind, section in (("image", "image_models"), ("text", "text_models"), ("fused", "fusion")):
        for row in rows[kind]:
            if row not in params[section]:
                raise UserError(
                    f"rows.{kind} names {row!r}; expected entries of {section}, which has "
                    f"{', '.join(params[section])}: add it there, or take it out"
                )
    names = [row for kind in rows.values() for row in kind]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UserError(f"rows: {', '.join(twice)} is there twice; every row needs its own name")
    if params["weights"] not in ("offline", "hub"):
        raise UserError(f"weights is {params['weights']!r}; expected offline or hub")
    write_json(Path("data/checked.json"), {"checked": True})


if __name__ == "__main__":
    run_stage("check", main)
