"""Write a bundle as an MLflow model that needs nothing else: code, models, pinned packages."""

from __future__ import annotations

import base64
import re
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from src.core.errors import UserError
from src.predict.bundle import read_bundle

if TYPE_CHECKING:
    import pandas as pd

SRC = Path(__file__).parents[1]
# What the code that answers a request imports, under the names in requirements.txt.
SERVED_PACKAGES = (
    *("mlflow", "nltk", "numpy", "openvino", "pandas", "phonenumbers", "pillow"),
    *("pydantic", "safetensors", "scikit-learn", "scipy", "stop-words", "threadpoolctl"),
    "tokenizers",
)


def save_served_model(bundle: Path, requirements: Path, out: Path, **options: Any) -> None:
    """Write a bundle as an MLflow pyfunc model into the folder `out`, without pickle or network.

    Args:
        requirements: the file that pins all packages.
        options: for `mlflow.pyfunc.save_model`.
    """
    from mlflow.models import ModelSignature
    from mlflow.pyfunc import save_model
    from mlflow.types import ColSpec, Schema
    from mlflow.types.schema import AnyType

    inputs = ("title", "text", "price", "photo")
    texts = ("used", "note", "error")
    signature = ModelSignature(
        # Of another type MLflow would refuse the whole request for one price such as "1 500 ₽".
        inputs=Schema([ColSpec(AnyType(), name, required=False) for name in inputs]),
        outputs=Schema(
            [
                ColSpec("string", "category", required=False),
                ColSpec("float", "probability", required=False),
                *(ColSpec("string", name) for name in texts),
                *(
                    ColSpec("float", f"p_{name}", required=False)
                    for name in read_bundle(bundle).classes
                ),
            ]
        ),
    )
    save_model(
        out,
        python_model=str(SRC / "predict" / "pyfunc.py"),
        artifacts={"bundle": str(bundle)},
        code_paths=[str(SRC)],
        signature=signature,
        input_example=example_listing(),
        pip_requirements=pinned_packages(requirements),
        **options,
    )


def pinned_packages(requirements: Path) -> list[str]:
    """Return `name==version` of each of SERVED_PACKAGES, as requirements.txt pins it."""
    pins = re.findall(r"(?m)^([\w.-]+)==([^\s;]+)", requirements.read_text(encoding="utf-8"))
    versions = dict(pins)
    missing = [name for name in SERVED_PACKAGES if name not in versions]
    if missing:
        raise UserError(f"{requirements} pins no version of {', '.join(missing)}; run `make lock`")
    return [f"{name}=={versions[name]}" for name in SERVED_PACKAGES]


def example_listing() -> pd.DataFrame:
    """Return one listing in the form of a request."""
    import pandas as pd
    from PIL import Image

    image = BytesIO()
    Image.new("RGB", (32, 32), "saddlebrown").save(image, "PNG")
    photo = base64.b64encode(image.getvalue()).decode()
    listing = {"title": "Стол", "text": "дубовый, два ящика", "price": 1500.0, "photo": photo}
    return pd.DataFrame([listing])
