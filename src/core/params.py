"""A stage's parameters: those that dvc.yaml declares for it, typed by `src.core.schema`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from ruamel.yaml import YAML, YAMLError

from src.core import schema
from src.core.errors import UserError
from src.core.schema import Params, Section

# The sections below entries that a user names, by the first key and by what pydantic calls them.
_ENTRIES: dict[tuple[str, str], type[Section]] = {
    ("image_models", "trained"): schema.TrainedImage,
    ("image_models", "kernel"): schema.KernelImage,
    ("text_models", "trained"): schema.TrainedText,
    ("text_models", "kernel"): schema.KernelText,
    ("text_models", "tfidf"): schema.Tfidf,
}
_KINDS = {kind for _, kind in _ENTRIES}


def all_params() -> Params:
    """Return what params.yaml says, read as DVC reads it: YAML 1.2, where 1e-4 is a number.

    Raises:
        UserError: a key, a type or a value that `Params` does not allow, in one line.
    """
    return parse_params(_read("params.yaml"))


def parse_params(content: Any) -> Params:
    """Check the content of a params.yaml; raises UserError as `all_params` does."""
    try:
        return Params.model_validate(content)
    except ValidationError as error:
        faults = [_told(fault) for fault in error.errors(include_url=False)]
        more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
        raise UserError(f"params.yaml: {faults[0]}{more}") from error


def stage_params(stage: str) -> Params:
    """Return the parameters of one stage, e.g. `train_image@cnn`.

    What dvc.yaml does not declare for a stage is not there, so it cannot change a result without
    re-running the stage: reading it raises AttributeError or KeyError.

    Raises:
        UserError: params.yaml lacks what is declared, or is not as `all_params` wants it.
    """
    params = all_params()
    name, _, item = stage.partition("@")
    entry = _read("dvc.yaml")["stages"][name]
    names = {"item": item} | {
        choice: getattr(params, choice)
        for choice in ("model", "text_model", "fused_model", "weights")
    }
    declared = [
        re.sub(r"\$\{(\w+)\}", lambda match: names[match[1]], path).split(".")
        for path in entry.get("do", entry)["params"]
    ]
    only: Params = _only(params, declared, "params.yaml")
    return only


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


def _told(fault: ErrorDetails) -> str:
    """Say in one line where a fault is, what was given and what was expected."""
    path = ".".join(str(part) for part in _without_kinds(fault["loc"]))
    if fault["type"] == "extra_forbidden":
        return f"{path} is unknown; {_nearest(fault['loc'])}"
    if fault["type"] == "missing":
        return f"{path} is missing; add it"
    message = fault["msg"].removeprefix("Value error, ")
    if fault["type"] == "string_pattern_mismatch":
        message = "expected letters, digits, - and _, 64 at most"
    message = re.sub(r"^(Input|List|String|Dictionary) should", "expected to", message)
    message = re.sub(r"^expected to be ", "expected ", message)
    if fault["type"] == "value_error" and isinstance(fault["input"], dict | Section):
        # A section as a whole: its message names what was given.
        return f"{path}: {message}" if path else message
    return f"{path} is {_short(fault['input'])}; {message}"


def _without_kinds(loc: Sequence[int | str]) -> list[int | str]:
    """Leave out which kind of entry pydantic took one for, and its mark of a faulty key."""
    entry = bool(loc) and loc[0] in ("image_models", "text_models")
    return [
        part
        for place, part in enumerate(loc)
        if not (entry and place == 2 and part in _KINDS) and part != "[key]"
    ]


def _nearest(loc: Sequence[int | str]) -> str:
    known = list(_section_at(loc[:-1]).model_fields)
    close = get_close_matches(str(loc[-1]), known, n=1)
    return f"did you mean {close[0]}?" if close else f"expected one of {', '.join(known)}"


def _section_at(loc: Sequence[int | str]) -> type[Section]:
    if len(loc) >= 3 and (str(loc[0]), str(loc[2])) in _ENTRIES:
        section, loc = _ENTRIES[str(loc[0]), str(loc[2])], loc[3:]
    elif len(loc) >= 2 and loc[0] == "fusion":
        section, loc = schema.FusedModel, loc[2:]
    else:
        section = Params
    for part in loc:
        annotation: Any = section.model_fields[str(part)].annotation
        # Of an optional section, the section.
        choices = getattr(annotation, "__args__", (annotation,))
        section = next(c for c in choices if isinstance(c, type) and issubclass(c, Section))
    return section


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:59] + "…"


def _read(file: str) -> Any:
    try:
        return YAML(typ="safe").load(Path(file))
    except YAMLError as error:
        reason = " ".join(str(error).split())
        raise UserError(f"{file} is not YAML: {reason}") from error
