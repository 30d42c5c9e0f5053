"""Wrong values made from the schema itself: each is refused at `check`, in one line."""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from dvc.utils.hydra import apply_overrides
from hypothesis import given, settings
from hypothesis import strategies as st

from src.core.errors import UserError
from src.core.params import all_params, parse_params
from src.core.schema import Params
from src.core.schema.fusion import SETTINGS
from src.core.schema.sources import SOURCES, Chosen
from src.fusion.heads import require_settings
from stages.check import check
from tests.core.test_params import CONTENT, KEYS, ROOT, changed

SCHEMA = Params.model_json_schema()
# One value of each type of JSON, and words that people write for yes and no.
OF_TYPE: dict[str, list[Any]] = {
    "string": ["abc", "yes", "no", "on", "off", "true", "5", "0.5", ""],
    "boolean": [True, False],
    "integer": [7],
    "number": [0.37],
    "null": [None],
    "array": [[], ["abc"]],
    "object": [{}, {"abc": 1}],
}
# A missing date and no date mean the same.
ALLOWED = [("collect.avito.since", None)]


def refusal(tried: Callable[[], object]) -> str | None:
    """Return the message of what is refused; None where it is taken."""
    try:
        tried()
    except UserError as error:
        return str(error)
    return None


def resolved(node: dict[str, Any], value: Any) -> list[dict[str, Any]]:
    """Return the schemas that a value may follow: of a union the member that it has the keys of."""
    if "$ref" in node:
        node = SCHEMA["$defs"][node["$ref"].rpartition("/")[2]]
    members = node.get("anyOf", node.get("oneOf"))
    if members is None:
        return [node]
    found = [one for member in members for one in resolved(member, value)]
    if not isinstance(value, dict):
        return found
    tune = value.get("tune")
    return [
        one
        for one in found
        if one.get("type") == "null"
        or (
            set(value) <= set(one.get("properties", ()))
            and tune in one["properties"].get("tune", {}).get("enum", [tune])
            and tune == one["properties"].get("tune", {}).get("const", tune)
        )
    ]


def nodes(schemas: list[dict[str, Any]], value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Yield every path of params.yaml with the schemas of its value."""
    yield path, schemas
    if not isinstance(value, dict):
        return
    (schema,) = (one for one in schemas if one.get("type") == "object")
    for key, inner in value.items():
        below = schema.get("properties", {}).get(key)
        if below is None:
            # A section with names of the user's own; settings of heads have no schema.
            below = next(iter(schema.get("patternProperties", {}).values()), None)
        if below is not None:
            yield from nodes(resolved(below, inner), inner, f"{path}.{key}".lstrip("."))


def wrong_values(schemas: list[dict[str, Any]]) -> Iterator[Any]:
    """Yield values that none of the schemas allows."""
    kinds = {schema.get("type", _type_of(schema)) for schema in schemas}
    kinds |= {"integer"} if "number" in kinds else set()
    for kind, values in OF_TYPE.items():
        if kind not in kinds:
            yield from (value for value in values if not _is_member(schemas, value))
    for schema in schemas:
        low, high = schema.get("minimum"), schema.get("maximum")
        above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
        yield from (low - 1, -math.inf) if low is not None else ()
        yield from (high + 1, math.inf, math.nan) if high is not None else ()
        yield from (edge for edge in (above, below) if edge is not None)
        if "enum" in schema and "string" in kinds:
            yield from (f"{schema['enum'][0]}x", schema["enum"][0].upper(), "")
        if "pattern" in schema:
            yield from ("a/b", "-a", "a b", "x" * 65)
        if schema.get("minItems") or schema.get("minLength"):
            yield {"array": [], "string": ""}[schema["type"]]
        if "items" in schema:
            yield from ([value] for item in [schema["items"]] for value in wrong_values([item]))


def _type_of(schema: dict[str, Any]) -> str:
    return {str: "string", int: "integer"}[type(schema.get("const", schema.get("enum", [""])[0]))]


def _is_member(schemas: list[dict[str, Any]], value: Any) -> bool:
    return any(value in schema.get("enum", [schema.get("const", math.nan)]) for schema in schemas)


def paths() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Yield every path of params.yaml with the schemas of its value, of both sources of weights."""
    for source in SOURCES:
        chosen = Chosen(CONTENT, source)
        for path, schemas in nodes([SCHEMA], chosen.content, ""):
            yield chosen.written(path), schemas


CASES = [
    (path, value)
    for path, schemas in dict(paths()).items()
    if path
    for value in wrong_values(schemas)
    if (path, value) not in ALLOWED
]


def test_the_schema_is_walked_to_every_key() -> None:
    # Settings of heads are tried below.
    keys = {".".join(path) for path in KEYS if not {"settings", "grid"} & set(path[:-1])}
    sections = {path for path in keys if path.endswith((".offline", ".hub"))}
    assert keys - sections <= {path for path, _ in CASES}
    assert len(CASES) >= 300


def test_every_wrong_value_is_refused_in_one_line_that_names_it() -> None:
    for path, value in CASES:
        content = changed(path, value)
        message = refusal(lambda content=content: check(parse_params(content)))
        assert message is not None, f"{path}: {value!r} was taken"
        assert message.startswith("params.yaml: ") and "\n" not in message
        assert path in message, (path, value, message)
        assert len(message) < 400, message


@pytest.mark.parametrize("head", SETTINGS)
def test_every_wrong_setting_of_a_head_is_refused_in_one_line(head: str) -> None:
    for name in SETTINGS[head]:
        for value in ("abc", {"abc": "abc"}, [["abc"]]):
            setting: dict[str, Any] = {name: value}
            message = refusal(
                lambda setting=setting: require_settings("fusion.x.settings", head, setting)
            )
            assert message is not None, f"{head}: {name}: {value!r} was taken"
            assert message.startswith("params.yaml: fusion.x.settings is {") and "\n" not in message


@settings(deadline=None, max_examples=300)
@given(
    st.sampled_from([".".join(path) for path in KEYS]),
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats()
        | st.text(max_size=5)
        | st.sampled_from([10**400, "~", "\0", "\ud800", "1e-4", -0.0]),
        lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner),
        max_leaves=3,
    ),
)
def test_any_value_at_all_is_taken_or_refused_in_one_line(path: str, value: Any) -> None:
    message = refusal(lambda: parse_params(changed(path, value)))
    assert message is None or "\n" not in message


BOOLEANS = [path for path, schemas in dict(paths()).items() if {"type": "boolean"} in [
    {"type": schema.get("type")} for schema in schemas
]]  # fmt: skip


@pytest.mark.parametrize("word", ["no", "off", "yes", "on", "1"])
def test_a_word_for_yes_or_no_is_not_taken_for_a_truth_value(
    word: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """YAML 1.2 reads `no` as text, which Python takes for true; `dvc exp run -S` writes it so."""
    monkeypatch.chdir(tmp_path)
    shutil.copyfile(ROOT / "params.yaml", "params.yaml")
    apply_overrides(Path("params.yaml"), [f"{path}={word}" for path in BOOLEANS])
    with pytest.raises(UserError) as refused:
        all_params()
    value = word if word == "1" else f"'{word}'"
    assert str(refused.value) == (
        f"params.yaml: {BOOLEANS[0]} is {value}; expected true or false "
        f"(and {len(BOOLEANS) - 1} more)"
    )


def test_true_and_false_are_taken_as_dvc_writes_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copyfile(ROOT / "params.yaml", "params.yaml")
    apply_overrides(Path("params.yaml"), ["portable=True", "collect.avito.fetch=false"])
    assert (all_params().portable, all_params().collect.avito.fetch) == (True, False)


def test_all_truth_values_are_tried() -> None:
    assert {"portable", "bundle.refit", "collect.avito.fetch", "prepare.shuffle_labels"} <= {
        *BOOLEANS
    }
    optional = {
        f"{section}.{row}.{key}"
        for section in ("image_models", "text_models", "fusion")
        for row, entry in CONTENT[section].items()
        for key in ("mirrored", "separator", "title_apart", "meta_features")
        if key in entry
    }
    assert {"fusion.nn.price", "text_models.use.title_apart", *optional} <= {*BOOLEANS}
    assert len(BOOLEANS) == 4 + len(CONTENT["fusion"]) + len(optional)
