"""One line on what is wrong with a params.yaml: the path, what was given, what was expected."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from functools import cache
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from src.core.schema.base import KeyFault
from src.core.schema.sources import SOURCES, Chosen

# Keys of earlier versions of params.yaml, with their names now.
_RENAMED = {"habits": "faults", "part": "split", "size": "pixels"}
_NAME = "letters, digits, - and _, 64 characters at most"
_TYPES = {
    "array": "a list",
    "boolean": "true or false",
    "integer": "a whole number",
    "null": "null",
    "number": "a number",
    "string": "text",
}
_WORDS = {True: "true", False: "false", None: "null"}


class Explainer:
    """Explains what a pydantic model refuses, by the JSON schema of that model.

    Args:
        chosen: what the model was given, where that is a whole params.yaml.
    """

    def __init__(self, model: type[BaseModel], chosen: Chosen | None = None) -> None:
        self._schema, self._chosen = _schema_of(model), chosen or Chosen({}, SOURCES[0])

    def explain(self, error: ValidationError) -> str:
        """Return the first fault in one line, and how many more there are."""
        faults = error.errors(include_url=False)
        unknown = [fault for fault in faults if fault["type"] in ("extra_forbidden", "invalid_key")]
        # A misspelled key is one fault, not an unknown key and a missing one.
        meant = {(*fault["loc"][:-1], self._meant(fault["loc"])) for fault in unknown}
        others = [
            fault
            for fault in faults
            if fault not in unknown and not (fault["type"] == "missing" and fault["loc"] in meant)
        ]
        lines = list(dict.fromkeys(self._line(fault) for fault in [*unknown, *others]))
        more = f" (and {len(lines) - 1} more)" if len(lines) > 1 else ""
        return lines[0] + more

    def _line(self, fault: ErrorDetails) -> str:
        path, node = self._follow(fault["loc"])
        written = self._chosen.written
        kind, given = fault["type"], fault["input"]
        if kind in ("extra_forbidden", "invalid_key"):
            return f"{written(path)} is unknown; {self._instead(fault['loc'])}"
        if kind == "missing":
            return f"{written(path)} is missing; add it"
        if fault["loc"][-1:] == ("[key]",):
            return f"{path} is not a valid name; expected {_NAME}"
        if kind == "unknown_tune" and isinstance(given, dict):
            path = written(f"{path}.tune")
            return f"{path} is {_short(given['tune'])}; expected full, head or kernel"
        if kind == "value_error":
            reason = fault["ctx"]["error"]
            if isinstance(reason, KeyFault):
                path = written(f"{path}.{reason.key}".lstrip("."))
                return f"{path} {reason.message}"
            if isinstance(given, dict | BaseModel):
                # Its message names what was given.
                return f"{path}: {reason}" if path else str(reason)
            return f"{written(path)} is {_short(given)}; {reason}"
        return (
            f"{written(path) or 'the content'} is {_short(given)}; expected {self._expected(node)}"
        )

    def _follow(self, loc: Sequence[int | str]) -> tuple[str, dict[str, Any]]:
        """Return the path of a location without pydantic's own marks, and the schema there."""
        node, path = self._schema, []
        for part in loc:
            members = node.get("oneOf", node.get("anyOf", []))
            present = [member for member in members if member.get("type") != "null"]
            if part == "[key]":
                continue
            if len(present) == 1:
                # Of an optional section, the section.
                node = self._resolved(present[0])
            elif members:
                # Which member pydantic took the value for; where it tried all, all are meant.
                names = [str(member.get("$ref", "")).rpartition("/")[2] for member in members]
                taken = [n for n in names if n.lower().startswith(str(part))]
                node = self._schema["$defs"][taken[0]] if taken else node
                continue
            path.append(str(part))
            if "properties" in node:
                node = node["properties"].get(part, {})
            elif "patternProperties" in node:
                (node,) = node["patternProperties"].values()
            else:
                node = node.get("items", {})
            node = self._resolved(node)
        return ".".join(path), node

    def _resolved(self, node: dict[str, Any]) -> dict[str, Any]:
        name = str(node.get("$ref", "")).rpartition("/")[2]
        return self._schema["$defs"][name] if name else node

    def _meant(self, loc: Sequence[int | str]) -> str | None:
        """Return the known key that an unknown one probably stands for."""
        key, known = str(loc[-1]), self._known(loc)
        if _RENAMED.get(key) in known:
            return _RENAMED[key]
        return next(iter(get_close_matches(key, known, n=1)), None)

    def _instead(self, loc: Sequence[int | str]) -> str:
        meant = self._meant(loc)
        if meant and meant == _RENAMED.get(str(loc[-1])):
            return f"it is called {meant} now"
        known = self._known(loc)
        return f"did you mean {meant}?" if meant else f"expected one of {', '.join(known)}"

    def _known(self, loc: Sequence[int | str]) -> list[str]:
        """Return the keys that may stand where an unknown one stands."""
        names = self._follow(loc[:-1])[1].get("properties", {})
        return self._chosen.known(self._follow(loc)[0], names)

    def _expected(self, node: dict[str, Any]) -> str:
        """Describe what a schema allows, e.g. `a number from 0 to 1`."""
        node = self._resolved(node)
        if members := node.get("anyOf", node.get("oneOf")):
            if all("$ref" in member for member in members):
                return "a section of keys and values"
            return ", or ".join(self._expected(member) for member in members)
        if "properties" in node:
            return f"a section with {', '.join(node['properties'])}"
        if "enum" in node:
            *first, last = map(str, node["enum"])
            return f"{', '.join(first)} or {last}" if first else last
        if "const" in node:
            return str(node["const"])
        if "pattern" in node:
            return f"a name of {_NAME}"
        if "type" not in node or node["type"] == "object":
            return "a section of keys and values"
        kept = " with at least one entry" if "minItems" in node else _range(node)
        return _TYPES[node["type"]] + (" that is not empty" if "minLength" in node else kept)


@cache
def _schema_of(model: type[BaseModel]) -> dict[str, Any]:
    # It takes longer than all else that a message needs.
    return model.model_json_schema()


def _range(node: dict[str, Any]) -> str:
    low, above = node.get("minimum"), node.get("exclusiveMinimum")
    high, below = node.get("maximum"), node.get("exclusiveMaximum")
    if low is not None and high is not None:
        return f" from {_plain(low)} to {_plain(high)}"
    limits = [
        (low, "of at least"), (above, "above"), (high, "up to"), (below, "below")
    ]  # fmt: skip
    said = [f"{words} {_plain(limit)}" for limit, words in limits if limit is not None]
    return " " + " and ".join(said) if said else ""


def _plain(number: float) -> str:
    """Write a number without an exponent."""
    return f"{number:.10f}".rstrip("0").rstrip(".")


def _short(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return _WORDS[value]
    text = repr(value)
    return text if len(text) <= 60 else text[:59] + "…"
