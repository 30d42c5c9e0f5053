"""What `portable: true` sets, and that it is set before a library reads it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from src.core.params import parse_params
from src.core.portable import PINS
from tests.made import params_content

ROOT = Path(__file__).parents[2]


def seen_by_a_stage(folder: Path, params: str, code: str) -> str:
    """Run code after what every stage imports first, in a folder with this params.yaml."""
    (folder / "params.yaml").write_text(params, encoding="utf-8")
    unset = {name: value for name, value in os.environ.items() if name not in PINS}
    command = [sys.executable, "-c", f"import stages\n{code}"]
    return subprocess.run(
        command,
        cwd=folder,
        env=unset | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout


@pytest.mark.parametrize("portable", [True, False])
def test_a_stage_pins_libraries_only_where_params_say_so(portable: bool, tmp_path: Path) -> None:
    code = f"import json, os; print(json.dumps([os.environ.get(n) for n in {list(PINS)}]))"
    found = json.loads(seen_by_a_stage(tmp_path, f"portable: {str(portable).lower()}\n", code))
    assert found == (list(PINS.values()) if portable else [None] * len(PINS))


@pytest.mark.parametrize("params", ["", "- portable\n", "portable: 'true'\n", "{"])
def test_a_broken_params_file_is_left_to_the_check_that_explains_it(
    params: str, tmp_path: Path
) -> None:
    assert seen_by_a_stage(tmp_path, params, "print('imported')") == "imported\n"


@pytest.mark.parametrize("portable", [True, False])
def test_only_pytorch_computes_portable_features(portable: bool) -> None:
    for rounds in ("", "-bfloat16"):
        changes = {"portable": portable, "trainer.features": f"openvino{rounds}"}
        params = parse_params(params_content(changes))
        found = "torch" if portable else "openvino"
        assert params.pinned_trainer.features == found + rounds
        assert params.pinned_trainer.workers == params.trainer.workers


def test_libraries_follow_the_pins(tmp_path: Path) -> None:
    if not torch.cpu.get_capabilities()["avx2"]:
        pytest.skip("this processor has no AVX2, which portable needs")
    code = """
import sys
assert "numpy" not in sys.modules and "torch" not in sys.modules
import numpy, torch
from numpy._core._multiarray_umath import __cpu_features__ as features
print(torch.backends.cpu.get_cpu_capability(), torch.get_num_threads(), features["X86_V4"])
"""
    found = seen_by_a_stage(tmp_path, "portable: true\n", code)
    assert found == "AVX2 2 False\n"
