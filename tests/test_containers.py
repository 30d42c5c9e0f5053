"""Dockerfile and compose.yaml, as far as they can be checked where no Docker runs."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[1]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
COMPOSE = (ROOT / "compose.yaml").read_text(encoding="utf-8")


def checked(tool: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    found = shutil.which(tool, path=str(Path(sys.executable).parent)) or shutil.which(tool)
    if found is None:
        pytest.skip(f"{tool} is not installed: `make test` does, with requirements-cluster.txt")
    return subprocess.run([found, *arguments], cwd=ROOT, capture_output=True, text=True)


def dockerfile_check(file: Path) -> subprocess.CompletedProcess[str]:
    return checked("hadolint", "--no-color", str(file))


def compose_check(file: Path) -> subprocess.CompletedProcess[str]:
    return checked("check-jsonschema", "--builtin-schema", "vendor.compose-spec", str(file))


def services() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = YAML(typ="safe").load(COMPOSE)["services"]
    return found


def test_the_dockerfile_is_clean(tmp_path: Path) -> None:
    done = dockerfile_check(ROOT / "Dockerfile")
    assert done.returncode == 0, done.stdout
    wrong = tmp_path / "Dockerfile"
    for line in ("RUN", "COPY --from=nowhere a b", "HEALTHCHECK maybe"):
        wrong.write_text(f"{DOCKERFILE}{line}\n")
        assert dockerfile_check(wrong).returncode, line


def test_compose_is_of_the_specification(tmp_path: Path) -> None:
    done = compose_check(ROOT / "compose.yaml")
    assert done.returncode == 0, done.stdout
    wrong = tmp_path / "compose.yaml"
    wrong.write_text(COMPOSE.replace("service_healthy", "service_happy"))
    assert compose_check(wrong).returncode


def test_what_compose_starts_is_there() -> None:
    stages = set(re.findall(r"^FROM \S+ AS (\w+)", DOCKERFILE, re.M))
    for name, service in services().items():
        if "build" in service:
            assert service["build"]["target"] in stages, name
        else:
            assert re.fullmatch(r"[\w./-]+:[\w.-]*\d[\w.-]*", service["image"]), name
        assert set(service.get("depends_on", [])) <= set(services())
        # Nobody outside this machine may reach them.
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", [])), name


def test_passwords_are_in_no_file_that_git_has() -> None:
    wanted = set(re.findall(r"\$\{(\w+)", COMPOSE))
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    assert wanted == set(re.findall(r"^(\w+)=", example, re.M))
    assert not re.search(r"PASSWORD=.", example)
    # Without them compose refuses to start, rather than using none.
    assert len(re.findall(r"\$\{\w+:\?", COMPOSE)) == len(re.findall(r"\$\{", COMPOSE))
    assert subprocess.run(["git", "check-ignore", "-q", ".env"], cwd=ROOT).returncode == 0


def test_images_run_without_root_and_say_whether_they_are_well() -> None:
    for stage in re.split(r"^FROM ", DOCKERFILE, flags=re.M)[2:]:
        assert re.search(r"^USER 1000$", stage, re.M), stage
        assert re.search(r"^HEALTHCHECK ", stage, re.M), stage


def test_the_build_gets_what_it_copies() -> None:
    let_in = (ROOT / ".dockerignore").read_text(encoding="utf-8").split("\n")
    copied = {
        name for line in re.findall(r"^COPY (.*) \S+$", DOCKERFILE, re.M) for name in line.split()
    }
    assert copied == {line[1:] for line in let_in if line.startswith("!")}
    assert all((ROOT / name).exists() for name in copied)
