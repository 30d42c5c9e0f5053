"""How long the stages took; told beside the results, for it differs from run to run."""

from __future__ import annotations

import html
import re

PLACE = re.compile(r"<!--times-->.*<!--/times-->", re.DOTALL)


def with_times(page: str, seconds: dict[str, float]) -> str:
    """Return the report with a table of the times where it says that it has none."""
    if not seconds:
        return page
    lines = "".join(
        f"<tr><td>{html.escape(stage)}</td><td>{value:,.1f} s</td></tr>"
        for stage, value in sorted(seconds.items(), key=lambda item: -item[1])
    )
    table = (
        "<p>Each stage as it last ran on this machine, without the start of Python; what came "
        f"from DVC's cache was not run again. Together: {sum(seconds.values()):,.0f} s.</p>"
        f'<div class="scroll"><table><tbody>{lines}</tbody></table></div>'
    )
    # A function, for in a plain replacement a backslash would mean something.
    return PLACE.sub(lambda _: table, page, count=1)
