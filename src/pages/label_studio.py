"""Suspected labels to Label Studio and its answers back: both are its JSON."""

from __future__ import annotations

import argparse
import base64
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

from src.core.errors import UserError, run_command
from src.core.files import replacing, write_json
from src.core.params import all_params
from src.pages.decisions import file_of
from src.pages.photos import CollectedPhotos, Photos
from src.pages.suspects import Asked, suspected
from src.prepare.corrections import NEITHER, Correction, read_corrections, write_corrections

# The answer for a listing that fits no category; the colon keeps it from being one.
_NEITHER = "neither: it fits no category"
_USAGE = """
  python -m src.pages.label_studio export tasks.json
  python -m src.pages.label_studio import answers.json --by anna"""


def tasks(asked: Sequence[Asked], photos: Photos) -> list[dict[str, Any]]:
    """Return tasks with the suggested category as a prediction; photos are in the file itself."""
    return [
        {
            "data": {
                "id": one.id, "title": one.title, "text": one.text, "was": one.was,
                "given": one.given, "image": _data_address(photos.jpeg(one.id)),
            },
            "predictions": [
                {
                    "score": one.suggested_prob,
                    "result": [
                        {"from_name": "category", "to_name": "title", "type": "choices",
                         "value": {"choices": [one.suggested]}}
                    ],
                }
            ],
        }
        for one in asked
    ]  # fmt: skip


def labeling_config(categories: Sequence[str]) -> str:
    """Return the labeling interface to paste into a project of Label Studio."""
    choices = "".join(
        f"    <Choice value={quoteattr(name)}/>\n" for name in (*categories, _NEITHER)
    )
    return (
        '<View>\n  <Image name="image" value="$image"/>\n'
        '  <Header value="$title"/>\n  <Text name="title" value="$text"/>\n'
        '  <Header value="Listed under: $given"/>\n'
        '  <Choices name="category" toName="title" choice="single" required="true">\n'
        f"{choices}  </Choices>\n</View>\n"
    )


def answers(content: Any, by: str) -> list[Correction]:
    """Return the decisions in an export of Label Studio; cancelled ones are no decisions.

    Args:
        by: who decided, where the export has no e-mail address.

    Raises:
        UserError: it is no export of tasks that `tasks` made.
    """
    found = []
    try:
        for task in content:
            for annotation in task["annotations"]:
                if annotation.get("was_cancelled") or not annotation["result"]:
                    continue
                (chosen,) = annotation["result"][0]["value"]["choices"]
                who, data = annotation.get("completed_by"), task["data"]
                one = Correction(
                    id=str(data["id"]),
                    category=NEITHER if chosen == _NEITHER else str(chosen),
                    was=str(data["was"]),
                    by=str(who["email"]) if isinstance(who, dict) and "email" in who else by,
                    at=str(annotation.get("updated_at") or annotation["created_at"]),
                )
                _ = one.time
                found.append(one)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise UserError(
            f"this is no JSON export of Label Studio for tasks exported from here ({error!r}); "
            "choose the format JSON, not JSON-MIN"
        ) from error
    return found


def _data_address(jpeg: bytes | None) -> str:
    return "" if jpeg is None else "data:image/jpeg;base64," + base64.b64encode(jpeg).decode()


def main() -> None:
    parser = argparse.ArgumentParser("python -m src.pages.label_studio", usage=_USAGE)
    parser.add_argument("what", choices=("export", "import"))
    parser.add_argument("file", type=Path)
    parser.add_argument("--by", default="label-studio", help="who decided, if the file has no name")
    options = parser.parse_args()
    if options.what == "export":
        if options.file.suffix == ".xml":
            raise UserError(
                f"{options.file}: .xml is for the labeling interface, written beside the tasks; "
                "expected a name for these, like tasks.json"
            )
        asked, categories = suspected(Path("data"))
        write_json(options.file, tasks(asked, CollectedPhotos(Path("data"))))
        config = options.file.with_suffix(".xml")
        with replacing(config) as beside:
            beside.write_text(labeling_config(categories), encoding="utf-8")
        print(f"{options.file}: {len(asked)} tasks; {config}: the labeling interface")
        return
    try:
        content = json.loads(options.file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"{options.file} cannot be read as JSON ({error})") from error
    path = file_of(Path(all_params().prepare.corrections), options.by)
    before = read_corrections(path) if path.exists() else []
    new = [one for one in answers(content, options.by) if one not in before]
    write_corrections([*before, *new], path)
    print(f"{path}: {len(new)} decisions more, {len(before)} were there")


if __name__ == "__main__":
    run_command(main)
