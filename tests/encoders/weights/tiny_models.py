"""Small random networks of the architectures that the presets name, as the Hub would hold them.

What their files say of pooling, prefixes, sizes and colours is what those of the real ones say.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

_VIT = {"embed_dim": 32, "depth": 2, "num_heads": 2}
# timm's own arguments that make its networks small; EfficientNet-B0 is small enough.
TINY_IMAGES: dict[str, dict[str, Any]] = {
    "efficientnet_b0.ra_in1k": {},
    "resnet50.a1_in1k": {"layers": (1, 1, 1, 1), "channels": (8, 16, 24, 32)},
    "convnextv2_tiny.fcmae_ft_in22k_in1k": {"depths": (1, 1, 1, 1), "dims": (8, 16, 24, 32)},
    "vit_base_patch16_siglip_224.v2_webli": _VIT,
    "vit_small_patch16_dinov3.lvd1689m": _VIT,
    "vit_base_patch32_clip_quickgelu_224.openai": _VIT,
}
# The class of transformers, the tokenizer, the pooling that its files name, and its prefixes.
TINY_TEXTS: dict[str, tuple[str, str, str | None, list[str]]] = {
    "cointegrated/rubert-tiny2": ("BertForPreTraining", "pieces", "cls_token", []),
    "DeepPavlov/rubert-base-cased": ("BertModel", "pieces", None, []),
    "sentence-transformers/all-MiniLM-L6-v2": ("BertModel", "pieces", "mean_tokens", []),
    "intfloat/multilingual-e5-small": ("BertModel", "unigram", "mean_tokens", []),
    "intfloat/multilingual-e5-base": ("XLMRobertaModel", "unigram", "mean_tokens", []),
    "deepvk/USER-base": ("DebertaModel", "bytes", "mean_tokens", ["query: ", "passage: "]),
    "deepvk/USER-bge-m3": ("XLMRobertaModel", "unigram", "cls_token", []),
    "BAAI/bge-m3": ("XLMRobertaModel", "unigram", "cls_token", []),
    "ai-forever/FRIDA": (
        "T5EncoderModel", "bytes", "cls_token", ["search_query: ", "categorize_topic: "]
    ),
}  # fmt: skip


def shrink_timm(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have timm make the small networks under the names of the large ones."""
    import timm

    make = timm.create_model

    def small(name: str, **arguments: Any) -> Any:
        return make(name, **TINY_IMAGES.get(name, {}), **arguments)

    monkeypatch.setattr(timm, "create_model", small)


def write_image_repo(root: Path, network: str) -> Path:
    """Write a repository; timm has been shrunk."""
    import timm
    from safetensors.torch import save_file

    repo = root / str(timm.get_pretrained_cfg(network).hf_hub_id)
    repo.mkdir(parents=True)
    model = timm.create_model(network)
    save_file(model.state_dict(), repo / "model.safetensors")
    names = ("input_size", "mean", "std", "interpolation", "num_classes")
    config = {name: model.pretrained_cfg[name] for name in names}
    content = {"architecture": network.partition(".")[0], "pretrained_cfg": config}
    (repo / "config.json").write_text(json.dumps(content), encoding="utf-8")
    return repo


def write_text_repo(root: Path, network: str, texts: list[str]) -> Path:
    """Write a repository whose tokenizer knows the texts."""
    import transformers

    repo = root / network
    architecture, kind, pooling, prompts = TINY_TEXTS[network]
    tokenizer = _tokenizer(kind, texts)
    size = tokenizer.get_vocab_size()
    tokens = ("[CLS]", "[SEP]", "[PAD]", "[UNK]", "[MASK]")
    if kind != "pieces":
        tokens = ("<s>", "</s>", "<pad>", "<unk>", "<mask>")
    roles = ("cls_token", "sep_token", "pad_token", "unk_token", "mask_token")
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, **dict(zip(roles, tokens, strict=True))
    ).save_pretrained(repo)
    shape = {
        "vocab_size": size, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2,
        "intermediate_size": 48, "max_position_embeddings": 514,
        "pad_token_id": tokenizer.token_to_id(tokens[2]),
    }  # fmt: skip
    if architecture == "T5EncoderModel":
        shape = {"vocab_size": size, "d_model": 32, "d_kv": 16, "d_ff": 48, "num_layers": 2}
        shape |= {"num_heads": 2, "feed_forward_proj": "gated-gelu"}
    if architecture == "DebertaModel":
        shape |= {"relative_attention": False, "type_vocab_size": 0}
    model = getattr(transformers, architecture)
    model(model.config_class(**shape)).save_pretrained(repo)
    if pooling:
        (repo / "1_Pooling").mkdir()
        modes = {f"pooling_mode_{name}": name == pooling for name in ("cls_token", "mean_tokens")}
        _write(repo / "1_Pooling/config.json", {"word_embedding_dimension": 32, **modes})
    if prompts:
        named = {prompt.partition(":")[0]: prompt for prompt in prompts}
        _write(repo / "config_sentence_transformers.json", {"prompts": named})
    return repo


def _write(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content), encoding="utf-8")


def _tokenizer(kind: str, texts: list[str]) -> Any:
    from tokenizers.implementations import BertWordPieceTokenizer, ByteLevelBPETokenizer
    from tokenizers.normalizers import NFKC

    from src.encoders.weights.unigram import unigram_tokenizer

    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    if kind == "unigram":
        pieces = sorted({f"▁{word}" for text in texts for word in text.split()})
        letters = sorted({letter for text in texts for letter in text} | {"▁"})
        scores = [0.0] * len(special) + [-5.0] * len(pieces) + [-9.0] * len(letters)
        return unigram_tokenizer([*special, *pieces, *letters], scores, 3, NFKC())
    if kind == "bytes":
        made: Any = ByteLevelBPETokenizer()
        made.train_from_iterator(iter(texts), vocab_size=300, special_tokens=special)
    else:
        made = BertWordPieceTokenizer(strip_accents=False)
        made.train_from_iterator(iter(texts), vocab_size=90, show_progress=False)
    return made._tokenizer
