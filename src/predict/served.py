"""Writing a bundle as an MLflow model that needs nothing else: code, models, pinned packages."""

from __future__ import annotations

import base64
import re
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from src.core.errors import UserError
from src.core.files import read_json

if TYPE_CHECKING:
    import pandas as pd

CODE = Path(__file__).parents[1]
# What the files that answer a request import, by the names that requirements.txt pins.
PACKAGES = (
    *("mlflow", "nltk", "numpy", "pandas", "pandera", "phonenumbers", "pillow", "pyarrow"),
    *("safetensors", "scikit-learn", "scipy", "skops", "stop-words", "timm", "tokenizers"),
    *("torch", "torchvision", "tqdm", "transformers"),
)


def save_served(bundle: Path, requirements: Path, out: Path, **options: Any) -> None:
    """Write `bundle` as an MLflow pyfunc model into the folder `out`, without pickle or network.

    Args:
        requirements: the file with the pins of all packages.
        options: handed to `mlflow.pyfunc.save_model`.
    """
    from mlflow.models import ModelSignature
    from mlflow.pyfunc import save_model
    from mlflow.types import ColSpec, Schema

    classes = read_json(bundle / "bundle.json")["classes"]
    inputs = {"title": "string", "text": "string", "price": "double", "photo": "string"}
    texts = ("used", "note", "error")
    signature = ModelSignature(
        inputs=Schema([ColSpec(kind, name, required=False) for name, kind in inputs.items()]),
        outputs=Schema(
            [
                ColSpec("string", "category", required=False),
                ColSpec("float", "probability", required=False),
                *(ColSpec("string", name) for name in texts),
                *(ColSpec("float", f"p_{name}", required=False) for name in classes),
            ]
        ),
    )
    save_model(
        out,
        python_model=str(CODE / "predict" / "pyfunc.py"),
        artifacts={"bundle": str(bundle)},
        code_paths=[str(CODE)],
        signature=signature,
        input_example=example(),
        pip_requirements=pins(requirements),
        **options,
    )


def pins(requirements: Path) -> list[str]:
    """Return `name==version` of what serving needs, as the lock file pins it."""
    locked = re.findall(r"(?m)^([\w.-]+)==([^\s;]+)", requirements.read_text(encoding="utf-8"))
    versions = dict(locked)
    missing = [name for name in PACKAGES if name not in versions]
    if missing:
        raise UserError(f"{requirements} pins no version of {', '.join(missing)}; run `make lock`")
    return [f"{name}=={versions[name]}" for name in PACKAGES]


def example() -> pd.DataFrame:
    """Return one listing as a request may hold it."""
    import pandas as pd
    from PIL import Image

    picture = BytesIO()
    Image.new("RGB", (32, 32), "saddlebrown").save(picture, "PNG")
    photo = base64.b64encode(picture.getvalue()).decode()
    listing = {"title": "Стол", "text": "дубовый, два ящика", "price": 1500.0, "photo": photo}
    return pd.DataFrame([listing])
