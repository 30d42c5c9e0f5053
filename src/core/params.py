"""A stage's parameters: those that dvc.yaml declares for it, typed by `src.core.schema`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from operator import attrgetter
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from src.core.errors import UserError
from src.core.schema import Params
from src.core.schema.base import Section
from src.core.schema.messages import Explainer
from src.core.schema.rows import require_sources
from src.core.schema.sources import SOURCES, Chosen

SectionT = TypeVar("SectionT", bound=Section)


def all_params() -> Params:
    """Return what params.yaml says, read as DVC reads it: YAML 1.2, where 1e-4 is a number.

    Raises:
        UserError: a key, a type or a value that `Params` does not allow, in one line.
    """
    return parse_params(read_yaml("params.yaml"))


def parse_params(content: Any) -> Params:
    """Check the content of a params.yaml; raises UserError as `all_params` does.

    An entry of image_models or text_models is as the source of `weights` has it; the other source
    is checked as well.
    """
    weights = content.get("weights") if isinstance(content, Mapping) else None
    # The chosen source first: its faults matter most.
    order = sorted(SOURCES, key=lambda source: source != weights)
    params, _ = [_typed(Chosen(content, source)) for source in order]
    require_sources(params, Chosen(content, params.weights))
    return params


def override(section: SectionT, changes: Mapping[str, Any], path: str) -> SectionT:
    """Return a checked copy of the section at `path` with the values of command-line options.

    Raises UserError as `all_params` does.
    """
    kind = type(section)
    try:
        return kind.model_validate({**section.model_dump(), **changes})
    except ValidationError as error:
        raise UserError(f"{path}: {Explainer(kind).explain(error)}") from error


def stage_params(stage: str) -> Params:
    """Return the parameters of one stage, e.g. `train_image@cnn`.

    What dvc.yaml does not declare for a stage is not there, so it cannot change a result without
    re-running the stage: reading it raises AttributeError or KeyError.

    Raises:
        UserError: dvc.yaml has no such stage, or params.yaml is not as `all_params` wants it.
    """
    content = read_yaml("params.yaml")
    params = parse_params(content)
    chosen = Chosen(content, params.weights)
    written = stage_entry(stage, params).params
    declared = [path for one in written for path in chosen.paths(one.split("."))]
    only: Params = _only(params, declared, "params.yaml")
    return only


class StageEntry(NamedTuple):
    """What dvc.yaml says of a stage, with its row and the choices of params.yaml filled in."""

    cmd: str
    deps: list[str]
    params: list[str]
    outs: list[str]


def stage_entry(stage: str, params: Params) -> StageEntry:
    """Return what dvc.yaml says of a stage, e.g. `train_image@cnn`.

    Raises:
        UserError: dvc.yaml has no such stage.
    """
    name, _, item = stage.partition("@")
    stages = read_yaml("dvc.yaml")["stages"]
    if name not in stages:
        raise UserError(f"dvc.yaml has no stage {name}; expected one of {', '.join(stages)}")
    entry, rows = stages[name], {}
    if "foreach" in entry:
        rows = attrgetter(entry["foreach"].strip("${}"))(params)
        if item not in rows:
            raise UserError(f"{name} has no row {item!r}; expected one of {', '.join(rows)}")

    def value_of(match: re.Match[str]) -> str:
        # In a list a row's name is called item; in a dictionary it is the key, and item its value.
        if match[1] in ("item", "key"):
            return item
        called, _, key = match[1].partition(".")
        return str(
            attrgetter(key)(rows[item]) if called == "item" else attrgetter(match[1])(params)
        )

    def filled_in(text: str) -> str:
        return re.sub(r"\$\{([\w.]+)\}", value_of, text)

    content = entry.get("do", entry)
    deps, declared = (
        [filled_in(one) for one in content.get(key, [])] for key in ("deps", "params")
    )
    # Those with options are dictionaries of one key.
    made = [one for key in ("outs", "metrics", "plots") for one in content.get(key, [])]
    outs = [filled_in(one if isinstance(one, str) else next(iter(one))) for one in made]
    return StageEntry(filled_in(content["cmd"]), deps, declared, outs)


def _typed(chosen: Chosen) -> Params:
    try:
        return Params.model_validate(chosen.content)
    except ValidationError as error:
        raise UserError(f"params.yaml: {Explainer(Params, chosen).explain(error)}") from error


def _only(value: Any, paths: Sequence[list[str]], where: str) -> Any:
    """Return a copy of a section with nothing but what lies on the paths."""
    if [] in paths:
        return value
    inside = dict(value) if isinstance(value, BaseModel) else value
    kept = {}
    for key in dict.fromkeys(path[0] for path in paths):
        if key not in inside:
            raise UserError(f"{where} has no `{key}`; it has {', '.join(inside)}")
        below = [path[1:] for path in paths if path[0] == key]
        kept[key] = _only(inside[key], below, f"{where}: {key}")
    return type(value).model_construct(**kept) if isinstance(value, BaseModel) else kept


def read_yaml(file: str) -> Any:
    """Read a YAML file as DVC does; raises UserError where it is missing or not YAML."""
    try:
        return YAML(typ="safe").load(Path(file))
    except FileNotFoundError as error:
        raise UserError(
            f"{file} is not in {Path.cwd()}; run this in the folder of the repository"
        ) from error
    except MarkedYAMLError as error:
        line = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise UserError(f"{file}{line}: {error.problem}; expected YAML") from error
    except YAMLError as error:
        reason = " ".join(str(error).split())
        raise UserError(f"{file} is not YAML: {reason}") from error
