"""How long the stages took, shown beside the results because it differs from run to run."""

from __future__ import annotations

import html
import re
from pathlib import Path

from src.core.files import read_json
from src.core.timing import TIMES

_PLACE = re.compile(r"<!--times-->.*<!--/times-->", re.DOTALL)


def with_times(page: str, seconds: dict[str, float]) -> str:
    """Return the report with a table of the times where it has the marks for one.

    Args:
        seconds: of each stage, by its name.
    """
    if not seconds:
        return page
    lines = "".join(
        f"<tr><td>{html.escape(stage)}</td><td>{value:,.1f} s</td></tr>"
        for stage, value in sorted(seconds.items(), key=lambda item: -item[1])
    )
    table = (
        "<p>How long each stage took when it last ran on this machine, not counting the start of "
        "Python. A stage whose result came from DVC's cache did not run again. "
        f"In total: {sum(seconds.values()):,.0f} s.</p>"
        f'<div class="scroll"><table><tbody>{lines}</tbody></table></div>'
    )
    # A function, because in a replacement text a backslash has a meaning.
    return _PLACE.sub(lambda _: table, page, count=1)


def stage_seconds(root: Path) -> dict[str, float]:
    """Return how many seconds each stage took when it last ran under `root`, by its name.

    Times of stages that dvc.yaml, or of rows that params.yaml, no longer has are left out.
    """
    from ruamel.yaml import YAML

    yaml = YAML(typ="safe")
    stages = yaml.load(root / "dvc.yaml")["stages"]
    rows = {row for kind in yaml.load(root / "params.yaml")["rows"].values() for row in kind}
    seconds = {}
    for file in sorted((root / TIMES).glob("*.json")):
        stage, _, row = file.stem.partition("@")
        if stage in stages and (not row or row in rows):
            seconds[file.stem] = float(read_json(file)["seconds"])
    return seconds
