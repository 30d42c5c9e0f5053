"""One folder with all that a prediction needs: the two chosen models, the fused one, settings."""

from __future__ import annotations

import shutil
from importlib.metadata import version
from pathlib import Path
from typing import Any

from src.artifacts.model_files import require_known_types
from src.core.errors import UserError
from src.core.files import read_json, replacing, write_json

FORMAT = 1
# Packages whose releases may change an answer.
PACKAGES = (
    *("numpy", "pillow", "scikit-learn", "skops", "stop-words"),
    *("timm", "tokenizers", "torch", "transformers"),
)


def write_bundle(data: Path, params: dict[str, Any], out: Path) -> None:
    """Write the folder `out` that `Predictor` reads.

    It holds bundle.json (classes, rows, photo size, temperature, columns, versions), image/,
    text/ (with tokenizer.json and config.json where it is a network) and fused/, each with
    model.json and model.safetensors or model.skops.

    Args:
        data: the folder with checkpoints, weights and tokens.
        params: model, text_model, fused_model, and of the sections `fusion`, `pack` and `collect`
            what dvc.yaml declares.

    Raises:
        UserError: the three models are not of the same classes, or hold types that are not known.
    """
    rows = {
        "image": params["model"],
        "text": params["text_model"],
        "fused": params["fused_model"],
    }
    spec = params["fusion"][rows["fused"]]
    temperatures = data / "judged" / "temperature.json"
    judged = read_json(temperatures) if temperatures.exists() else {}
    with replacing(out) as beside:
        for kind, row in rows.items():
            _copy_model(data / "checkpoints" / row, beside / kind)
        if (beside / "text" / "model.safetensors").exists():
            _copy_reader(data, rows["text"], beside / "text")
        classes = {kind: read_json(beside / kind / "model.json")["classes"] for kind in rows}
        for kind in ("image", "text"):
            if classes[kind] != classes["fused"]:
                raise UserError(
                    f"{rows[kind]} and {rows['fused']} were fitted on other categories; "
                    "run `dvc repro` for all stages"
                )
        write_json(
            beside / "bundle.json",
            {
                "format": FORMAT,
                "rows": rows,
                "classes": classes["fused"],
                "photo_size": params["pack"]["size"],
                "inputs": spec["inputs"],
                "price": spec["price"],
                "temperature": float(judged.get(rows["fused"], 1.0)),
                "columns": {
                    field: name
                    for field, name in params["collect"]["table"]["columns"].items()
                    if field in ("id", "title", "text", "price", "photo")
                },
                "files": sorted(
                    str(path.relative_to(beside)) for path in beside.rglob("*") if path.is_file()
                ),
                "versions": {name: version(name) for name in PACKAGES},
            },
        )


def _copy_model(checkpoint: Path, out: Path) -> None:
    out.mkdir(parents=True)
    for name in ("model.json", "model.safetensors", "model.skops"):
        if (checkpoint / name).exists():
            shutil.copyfile(checkpoint / name, out / name)
    if (out / "model.skops").exists():
        require_known_types(out / "model.skops")


def _copy_reader(data: Path, row: str, out: Path) -> None:
    """Copy what a text network is built from and reads with."""
    shutil.copyfile(data / "tokens" / row / "tokenizer.json", out / "tokenizer.json")
    config = read_json(data / "weights" / row / "config.json")
    # A network that started at random has as many tokens as its tokenizer.
    if not (data / "weights" / row / "model.safetensors").exists():
        config["vocab_size"] = read_json(data / "tokens" / row / "special.json")["vocab_size"]
    write_json(out / "config.json", config)
