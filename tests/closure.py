"""What a stage imports from this project, through all its modules."""

from __future__ import annotations

import ast
import re
from importlib.metadata import packages_distributions
from pathlib import Path

ROOT = Path(__file__).parents[1]


def import_closure(script: str) -> set[str]:
    """Return the project's files that a stage's script imports, itself included.

    Late imports count; empty package files and imports for type checking alone do not.
    """
    # Python imports the package of a script before the script.
    todo, found = [script, str(Path(script).with_name("__init__.py"))], set()
    while todo:
        name = todo.pop()
        path = ROOT / name
        if name in found or not path.exists() or not path.read_text().strip():
            continue
        found.add(name)
        tree = ast.parse(path.read_text())
        unused = {
            inner
            for node in ast.walk(tree)
            if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
            for inner in ast.walk(node)
        }
        for node in ast.walk(tree):
            if node in unused:
                continue
            if isinstance(node, ast.ImportFrom) and node.module:
                todo += _files(node.module)
                todo += [f for alias in node.names for f in _files(f"{node.module}.{alias.name}")]
            elif isinstance(node, ast.Import):
                todo += [f for alias in node.names for f in _files(alias.name)]
    return found


def _files(module: str) -> list[str]:
    if module.split(".")[0] != "src":
        return []
    packages = module.split(".")
    inits = ["/".join(packages[: i + 1]) + "/__init__.py" for i in range(len(packages))]
    return [*inits, "/".join(packages) + ".py"]


def packages_of(files: set[str]) -> list[set[str]]:
    """Return, for each third-party module that the files import, the distributions that hold it."""
    modules = set()
    for name in files:
        for node in ast.walk(ast.parse((ROOT / name).read_text())):
            if isinstance(node, ast.ImportFrom) and node.module:
                modules.add(node.module.split(".")[0])
            elif isinstance(node, ast.Import):
                modules |= {alias.name.split(".")[0] for alias in node.names}
    owners = packages_distributions()
    return [
        {re.sub(r"[-_.]+", "-", owner).lower() for owner in owners[module]}
        for module in sorted(modules - {"src"})
        if module in owners
    ]
