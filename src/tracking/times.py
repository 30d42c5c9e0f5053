"""How long the stages took, shown beside the results because it differs from run to run."""

from __future__ import annotations

import html
import re

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
