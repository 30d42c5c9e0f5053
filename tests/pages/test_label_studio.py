"""Label Studio's JSON: what is exported can be answered there and comes back as decisions."""

from __future__ import annotations

import json
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

from src.core.errors import UserError
from src.pages.label_studio import _NEITHER, answers, labeling_config, main, tasks
from src.pages.photos import GivenPhotos
from src.prepare.corrections import Correction, read_corrections
from tests.made import CLASSES, made_photo
from tests.pages.conftest import asked


def answered(task: dict[str, Any], choice: str, **more: Any) -> dict[str, Any]:
    """A task as Label Studio exports it once a person has answered."""
    result = task["predictions"][0]["result"][0] | {"value": {"choices": [choice]}}
    annotation = {"completed_by": 1, "created_at": "2026-03-01T10:00:00.000000Z",
                  "updated_at": "2026-03-01T10:05:00.000000Z", "result": [result]}  # fmt: skip
    return task | {"id": 5, "annotations": [annotation | more]}


def test_what_is_exported_comes_back_as_decisions() -> None:
    exported = json.loads(json.dumps(tasks(asked(3), GivenPhotos({"s00": made_photo()}))))
    assert exported[0]["data"]["image"].startswith("data:image/jpeg;base64,")
    assert exported[1]["data"]["image"] == ""
    assert exported[0]["predictions"][0]["result"][0]["value"]["choices"] == [CLASSES[1]]
    back = [
        answered(exported[0], CLASSES[1], completed_by={"email": "anna@example.org"}),
        answered(exported[1], _NEITHER),
        answered(exported[2], CLASSES[0], was_cancelled=True),
    ]
    at = "2026-03-01T10:05:00.000000Z"
    assert answers(back, "boris") == [
        Correction("s00", CLASSES[1], CLASSES[0], "anna@example.org", at),
        Correction("s01", "", CLASSES[0], "boris", at),
    ]


def test_the_interface_offers_every_category_and_none_and_escapes_names() -> None:
    choices = ET.fromstring(labeling_config(["A & B", '"<x>"'])).iter("Choice")
    assert [one.get("value") for one in choices] == ["A & B", '"<x>"', _NEITHER]


@pytest.mark.parametrize("content", [5, [1], [{"id": 1, "title": "x"}], "x", [{"annotations": 5}]])
def test_another_file_is_refused_in_one_line(content: Any) -> None:
    with pytest.raises(UserError, match="choose the format JSON, not JSON-MIN"):
        answers(content, "boris")


def test_importing_twice_adds_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "params.yaml").write_bytes((Path(__file__).parents[2] / "params.yaml").read_bytes())
    (exported,) = tasks(asked(1), GivenPhotos({}))
    (tmp_path / "answers.json").write_text(json.dumps([answered(exported, CLASSES[2])]))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["label_studio", "import", "answers.json", "--by", "anna"])
    for _ in range(2):
        main()
        (one,) = read_corrections(tmp_path / "data" / "corrections" / "anna.csv")
        assert (one.category, one.by) == (CLASSES[2], "anna")


def test_tasks_are_not_written_where_the_interface_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["label_studio", "export", "tasks.xml"])
    with pytest.raises(UserError, match=r"tasks\.xml: \.xml is for the labeling interface"):
        main()
