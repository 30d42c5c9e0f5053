"""The house: imports as the contracts say, and one name for one thing."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    linter = Path(sys.executable).with_name("lint-imports")
    return subprocess.run(
        [linter, "--no-cache", "--no-logo"], cwd=folder, capture_output=True, text=True
    )


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A folder with a copy of src and of the contracts."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def test_the_imports_are_as_the_contracts_say(source: Path) -> None:
    done = lint_imports(source)
    assert done.returncode == 0, done.stdout
    assert " 0 broken" in done.stdout


@pytest.mark.parametrize(
    ("planted_in", "imported", "message"),
    [
        ("src/core", "src.fusion.heads", "src.core is not allowed to import src.fusion"),
        ("src/prepare", "src.collect.run", "src.prepare is not allowed to import src.collect"),
        ("src/encoders/common", "src.encoders.text.data",
         "src.encoders.common is not allowed to import src.encoders.text"),
        ("src/encoders/text", "src.encoders.image.data",
         "src.encoders.text is not allowed to import src.encoders.image"),
        ("src/fusion", "src.encoders.weights.hub",
         "Illegal imports of protected package src.encoders.weights"),
        ("src/evaluation", "src.encoders.common.kernel",
         "src.evaluation is not allowed to import src.encoders"),
    ],
)  # fmt: skip
def test_a_planted_import_that_no_contract_allows_is_named(
    planted_in: str, imported: str, message: str, source: Path
) -> None:
    # Inside a function, where it would be found only once the function runs.
    code = f"def late() -> None:\n    import {imported}\n"
    (source / planted_in / "planted.py").write_text(code, encoding="utf-8")
    done = lint_imports(source)
    assert done.returncode == 1
    assert message in done.stdout
    assert f"{planted_in.replace('/', '.')}.planted -> {imported}" in done.stdout


def test_a_planted_circle_inside_a_package_is_named(source: Path) -> None:
    for one, other in (("a", "b"), ("b", "a")):
        code = f"import src.fusion.{other}\n"
        (source / "src" / "fusion" / f"{one}.py").write_text(code, encoding="utf-8")
    done = lint_imports(source)
    assert done.returncode == 1
    assert "No cycles are allowed in src.fusion" in done.stdout


def test_a_package_that_no_contract_names_is_refused(source: Path) -> None:
    (source / "src" / "extra").mkdir()
    (source / "src" / "extra" / "__init__.py").touch()
    done = lint_imports(source)
    assert done.returncode == 1
    assert "extra" in done.stdout


def test_no_two_public_things_have_the_same_name() -> None:
    places: dict[str, list[str]] = {}
    for path in sorted((ROOT / "src").rglob("*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            names: list[str] = []
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                names = [node.name]
            elif isinstance(node, ast.Assign | ast.AnnAssign):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                names = [target.id for target in targets if isinstance(target, ast.Name)]
            for name in names:
                if not name.startswith("_") and name != "main":
                    places.setdefault(name, []).append(str(path.relative_to(ROOT)))
    assert {name: files for name, files in places.items() if len(files) > 1} == {}
