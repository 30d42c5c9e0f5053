"""Listings without photos or without texts: rows of one kind, and what `check` says on the way."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from dvc.parsing import DataResolver
from dvc.repo import Repo
from dvc.utils.hydra import apply_overrides
from ruamel.yaml import YAML

from src.core.params import all_params, parse_params, stage_entry, stage_params
from tests.core.test_params import CONTENT, ROOT, fault
from tests.made import params_content

TEXTS_ALONE = {"rows.image": [], "model": "", "rows.fused": [], "fused_model": ""}
PHOTOS_ALONE = {"rows.text": [], "text_model": "", "rows.fused": [], "fused_model": ""}
NO_PHOTO = {"collect.source": "table", "collect.table.columns.photo": ""}
NO_TEXT = {
    "collect.source": "table",
    "collect.table.columns.title": "",
    "collect.table.columns.text": "",
}


@pytest.mark.parametrize(
    "changes",
    [TEXTS_ALONE, PHOTOS_ALONE, NO_PHOTO | TEXTS_ALONE, NO_TEXT | PHOTOS_ALONE],
)
def test_rows_of_one_kind_are_enough(changes: dict[str, object]) -> None:
    params = parse_params(params_content(changes))
    assert bool(params.rows.image) != bool(params.rows.text)
    assert params.rows.fused == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (NO_PHOTO, "collect.table.columns.photo is '', so no listing has a photo; expected "
         "rows.image: [], model: '', rows.fused: [] and fused_model: '', or the name of a column"),
        (NO_TEXT, "collect.table.columns.title and text are '', so no listing has a text; expected "
         "rows.text: [], text_model: '', rows.fused: [] and fused_model: '', or the name of a "
         "column"),
        (TEXTS_ALONE | {"model": "cnn"}, "model is 'cnn', but rows.image is []; expected ''"),
        (TEXTS_ALONE | {"fused_model": "stack"},
         "fused_model is 'stack', but rows.fused is []; expected ''"),
        (TEXTS_ALONE | {"text_model": ""}, "text_model is ''; expected one of tfidf, rubert_tiny2, "
         "use: choose one of these, or add it to rows.text"),
        (TEXTS_ALONE | {"rows.fused": ["stack"]},
         "rows.image is [], but fused rows read an image and a text model; expected rows.image: "
         "[], model: '', rows.fused: [] and fused_model: ''"),
        (TEXTS_ALONE | PHOTOS_ALONE,
         "rows.image and rows.text are both []; expected rows of one of them"),
    ],
)  # fmt: skip
def test_what_is_still_to_be_set_is_said_in_one_line(
    changes: dict[str, object], message: str
) -> None:
    assert fault(params_content(changes)) == message


def test_a_source_without_columns_of_the_user_may_leave_them_empty() -> None:
    changes = {"collect.table.columns.photo": ""}
    assert parse_params(params_content(changes)).rows.image == CONTENT["rows"]["image"]


def test_the_command_that_the_documentation_shows_is_enough(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = (ROOT / "docs/own-data.md").read_text(encoding="utf-8")
    (command,) = re.findall(r"dvc exp run[^`]*columns\.photo=[^`]*", shown)
    changes = [word for word in shlex.split(command.replace("\\\n", ""))[3:] if word != "-S"]
    (tmp_path / "params.yaml").write_bytes((ROOT / "params.yaml").read_bytes())
    apply_overrides(tmp_path / "params.yaml", changes)
    monkeypatch.chdir(tmp_path)
    assert all_params() == parse_params(params_content(NO_PHOTO | TEXTS_ALONE))


def resolved_stages(changes: dict[str, Any]) -> dict[str, Any]:
    """Make the current folder a project with changed parameters; return its stages as DVC does."""
    YAML().dump(params_content(changes), Path("params.yaml"))
    Path("dvc.yaml").write_bytes((ROOT / "dvc.yaml").read_bytes())
    Path(".dvc").mkdir()
    Path(".dvc/config").write_text("[core]\n    no_scm = True\n")
    content = YAML(typ="safe").load(Path("dvc.yaml"))
    stages: dict[str, Any] = DataResolver(Repo("."), ".", content).resolve()["stages"]
    return stages


@pytest.mark.parametrize(
    ("changes", "kind", "row"), [(TEXTS_ALONE, "text", "tfidf"), (PHOTOS_ALONE, "image", "cnn")]
)
def test_dvc_builds_a_graph_without_the_other_kind(
    changes: dict[str, object], kind: str, row: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    stages = resolved_stages(changes)
    assert f"train_{kind}@{row}" in stages
    other = {"text": "image", "image": "text"}[kind]
    assert not [name for name in stages if name.startswith((f"train_{other}@", "fuse@"))]
    # For the model that is not there, the folder of all.
    chosen = {"text": "use", "image": "efficientnet"}[kind]
    for stage, folder in (("leaky", "embeddings"), ("bundle", "checkpoints")):
        assert {f"data/{folder}/{chosen}", f"data/{folder}/"} <= set(stages[stage]["deps"])
    assert stage_params("bundle").fused_model == ""
    assert stage_params("leaky").model == ("" if kind == "text" else "efficientnet")


JOINED = {"first": "tfidf", "second": "use"}


def test_joined_rows_join_rows_or_joined_rows_above_them() -> None:
    joined = {"both": JOINED, "all": {"first": "both", "second": "rubert_tiny2"}}
    params = parse_params(params_content({"joined.text": joined, "text_model": "all"}))
    rows = params.rows.with_joined(params.joined)
    assert rows.text == [*params.rows.text, "both", "all"]
    assert (rows.image, rows.fused) == (params.rows.image, params.rows.fused)


@pytest.mark.parametrize(
    ("joined", "message"),
    [
        ({"both": {"first": "tfidf", "second": "minilm"}},
         "joined.text.both.second is 'minilm'; expected a row of rows.text or a joined row above "
         "it: tfidf, rubert_tiny2, use; add it, or leave the joined row out: "
         "-S '~joined.text.both'"),
        ({"all": {"first": "both", "second": "use"}, "both": JOINED},
         "joined.text.all.first is 'both'; expected a row of rows.text or a joined row above it: "
         "tfidf, rubert_tiny2, use; add it, or leave the joined row out: -S '~joined.text.all'"),
        ({"both": {"first": "use", "second": "use"}},
         "joined.text.both joins 'use' with itself; expected two rows"),
        ({"cnn": JOINED},
         "rows: cnn is there twice; expected a name of its own for every row"),
    ],
)  # fmt: skip
def test_what_cannot_be_joined_is_refused(joined: dict[str, object], message: str) -> None:
    assert fault(params_content({"joined.text": joined})) == message


def test_dvc_knows_what_a_joined_row_joins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    changes = {"joined.text": {"both": JOINED}, "text_model": "both"}
    monkeypatch.chdir(tmp_path)
    stages = resolved_stages(changes)
    deps = set(stages["join_text@both"]["deps"])
    for folder in ("checkpoints", "embeddings", "weights"):
        assert {f"data/{folder}/tfidf", f"data/{folder}/use"} <= deps
        assert f"data/{folder}/both" in stages["join_text@both"]["outs"]
    assert "data/embeddings/both" in stages["fuse@stack"]["deps"]
    assert not [name for name in stages if name.startswith("join_image@")]
    assert stage_params("join_text@both").joined.text["both"].second == "use"
    assert deps == set(stage_entry("join_text@both", all_params()).deps)
