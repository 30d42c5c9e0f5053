"""What the stages import before they start to work: the slow packages, and no others."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# Each takes a twentieth of a second or more, the last ones seconds.
SLOW = {
    *("PIL", "jinja2", "joblib", "numpy", "pandas", "pandera", "plotly", "requests", "scipy"),
    *("albumentations", "cleanlab", "cv2", "datasets", "dvc", "imagehash", "matplotlib", "nltk"),
    *("openvino", "phonenumbers", "safetensors", "skops", "sklearn", "sqlalchemy", "tokenizers"),
    *("lightning", "mlflow", "ray", "timm", "torch", "torchvision", "transformers"),
}
TABLE = {"numpy", "pandas", "pandera"}
HEADS = TABLE | {"joblib", "scipy", "sklearn"}
# At most these; the others are imported by the stage or the row that needs them.
STARTS = {
    "bundle": HEADS,
    "check": {"joblib", "numpy", "pandas", "scipy", "sklearn"},
    "collect": TABLE | {"PIL", "requests"},
    "evaluate": HEADS,
    "fuse": HEADS,
    "join": HEADS,
    "leaky": HEADS,
    "pack": TABLE | {"PIL"},
    "prepare": TABLE | {"PIL", "scipy"},
    "report": TABLE | {"PIL", "jinja2", "plotly"},
    "tokenize": TABLE,
    "track": {"numpy"},
    "train_image": HEADS | {"safetensors", "torch"},
    "train_text": HEADS,
    "weights_image": HEADS | {"safetensors", "torch"},
    "weights_text": {"numpy"},
}


def slow_imports(code: str) -> set[str]:
    """Run code in a process of its own; return which of SLOW it has imported."""
    shown = f"{code}\nimport sys; print(*{SLOW} & sys.modules.keys())"
    done = subprocess.run(
        [sys.executable, "-c", shown], cwd=ROOT, check=True, capture_output=True, text=True
    )
    return set(done.stdout.split())


def test_every_stage_is_named() -> None:
    assert {path.stem for path in (ROOT / "stages").glob("[!_]*.py")} == set(STARTS)


@pytest.mark.parametrize("stage", STARTS)
def test_a_stage_imports_no_slow_package_that_it_has_no_use_for(stage: str) -> None:
    assert slow_imports(f"import stages.{stage}") <= STARTS[stage]


def test_a_fused_model_is_fitted_saved_and_read_without_a_network(tmp_path: Path) -> None:
    code = f"""
from pathlib import Path
from src.fusion.fused import FusedClassifier
from tests.artifacts.test_model_files import fused
fused()[0].save(Path({str(tmp_path)!r}) / "model")
FusedClassifier.load(Path({str(tmp_path)!r}) / "model")
"""
    assert not slow_imports(code) & {"skops", "torch", "transformers"}


def test_an_answer_waits_for_no_part_of_scikit_learn_that_only_fits_use() -> None:
    code = "import src.predict.__main__, src.encoders.text.converted, sys; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True
    )
    parts = ("decomposition", "ensemble", "linear_model", "metrics", "model_selection")
    assert not {f"sklearn.{part}" for part in parts} & set(done.stdout.split())
