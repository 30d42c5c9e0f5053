"""Writing fitted models: safetensors and JSON for networks, skops for scikit-learn; no pickle."""

from __future__ import annotations

import io
import json
import re
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from src.files import replacing, write_json
from src.fusion.fused import FusedClassifier
from src.models.skops_io import skops_io
from src.models.train import Trained


def save_model(trained: Trained, checkpoint: Path, about: Any) -> None:
    """Write a row's model to the folder `checkpoint`.

    Args:
        about: what is needed to build the model again, beside its weights; becomes model.json.
    """
    with replacing(checkpoint) as beside:
        beside.mkdir()
        network, words = _parts(trained.model)
        if network is not None:
            from safetensors.torch import save_file

            state = {k: v.contiguous() for k, v in network.state_dict().items()}
            save_file(state, beside / "model.safetensors")
        if words is not None:
            save_sklearn(words, beside / "model.skops")
        classes = trained.features.classes.tolist()
        write_json(beside / "model.json", {"classes": classes, **about})
        if len(trained.curves):
            trained.curves.to_csv(beside / "curves.csv", index=False, float_format="%.6f")


def _parts(model: Any) -> tuple[Any, Any]:
    """A model's network and what it has of scikit-learn: one of them is None, or neither."""
    if hasattr(model, "vectors"):
        return model.network, model.vectors
    return (model, None) if hasattr(model, "state_dict") else (None, model)


def save_scores(trained: Trained, folder: Path) -> None:
    """Write what a row says of the listings into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    trained.features.save(folder / "features.npz")
    if trained.out_of_fold is not None:
        trained.out_of_fold.save(folder / "out_of_fold.npz")


def save_fused(model: FusedClassifier, classes: NDArray[np.str_], checkpoint: Path) -> None:
    """Write a fused model: its heads by the modalities that each of them reads."""
    with replacing(checkpoint) as beside:
        beside.mkdir()
        heads = {"+".join(subset): head for subset, head in model.heads.items()}
        save_sklearn(heads, beside / "model.skops")
        about = {"classes": classes.tolist(), "prior": model.prior.tolist()}
        write_json(beside / "model.json", about)


def save_sklearn(model: Any, path: Path) -> None:
    """Write a scikit-learn model with skops so that equal models give equal bytes.

    skops names parts by their address in memory and stamps them with the time of day; here they
    are numbered in order and stamped with nothing. A vectorizer, too, keeps an address: that of
    its stop words, by which it saves checking them twice; without it they are checked again.
    """
    with zipfile.ZipFile(io.BytesIO(skops_io().dumps(model))) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    schema = parts.pop("schema.json").decode()
    schema = re.sub(r'("_stop_words_id": {[^{}]*"content": )"\d+"', r'\1"0"', schema)
    numbers: dict[str, str] = {}
    for address in re.findall(r'"__id__": (\d+)', schema):
        numbers.setdefault(address, str(len(numbers)))
    schema = re.sub(
        r'("__id__": |"file": ")(\d+)',
        lambda found: found[1] + numbers.setdefault(found[2], str(len(numbers))),
        schema,
    )
    with replacing(path) as beside, zipfile.ZipFile(beside, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("schema.json"), json.dumps(json.loads(schema)))
        for name, content in parts.items():
            address, dot, ending = name.partition(".")
            archive.writestr(zipfile.ZipInfo(numbers[address] + dot + ending), content)
