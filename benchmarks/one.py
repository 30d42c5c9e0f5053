"""One benchmark in this process: python -m benchmarks.one benchmarks.photos lines.json [--quick]"""

from __future__ import annotations

import json
import sys
import traceback
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks.lines import Line


def main() -> None:
    module, out, *quick = sys.argv[1:]
    answer: dict[str, Any]
    try:
        lines = import_module(module).run(quick=bool(quick))
        answer = {"lines": [as_line(line)._asdict() for line in lines]}
    except Exception as error:
        traceback.print_exc()
        answer = {"failed": f"{type(error).__name__}: {error}"}
    Path(out).write_text(json.dumps(answer))


def as_line(given: Line | dict[str, Any]) -> Line:
    return given if isinstance(given, Line) else Line(**given)


if __name__ == "__main__":
    main()
