"""Text networks: an encoder under one head, of transformers or the one of `use.py`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from src.core.errors import UserError
from src.core.files import read_json, write_json
from src.core.schema import KernelText, TrainedText
from src.encoders.common.heads import network_head
from src.encoders.text.use import MODEL_TYPE, UseEncoder


class TextNetwork(nn.Module):
    """An encoder of transformers: token numbers to features to logits.

    Raises:
        UserError: the encoder reads fewer tokens than `max_tokens`.
    """

    def __init__(self, settings: TrainedText | KernelText, encoder: Any, num_classes: int) -> None:
        super().__init__()
        self.encoder = encoder
        wanted = settings.max_tokens
        most = getattr(self.encoder.config, "max_position_embeddings", wanted)
        if wanted > most:
            raise UserError(
                f"max_tokens is {wanted}; expected at most {most}, as many as this network can "
                "read: set it in params.yaml"
            )
        self.encoder.float()
        self.pooling = settings.pooling
        # Features are pooled states; BERT's own pooling is not used and gets no gradient.
        if getattr(self.encoder, "pooler", None) is not None:
            self.encoder.pooler = None
        self.head = network_head(self.encoder.config.hidden_size, num_classes, settings)

    def features(self, batch: dict[str, Tensor]) -> Tensor:
        """Pool the last states of real tokens: input_ids [B, L] to features [B, H]."""
        states: Tensor = self.encoder(**batch).last_hidden_state
        if self.pooling == "cls":
            return states[:, 0]
        if self.pooling == "last":
            last = batch["attention_mask"].sum(1) - 1
            return states[torch.arange(len(last), device=last.device), last]
        mask = batch["attention_mask"].unsqueeze(-1).to(states.dtype)
        return torch.as_tensor((states * mask).sum(1) / mask.sum(1))

    def forward(self, batch: dict[str, Tensor]) -> Tensor:
        """Turn input_ids and attention_mask, [B, L] each, into logits [B, C]."""
        logits: Tensor = self.head(self.features(batch))
        return logits

    def save_config(self, path: Path) -> None:
        """Write what the encoder is built from again."""
        self.encoder.config.to_json_file(path)


class UseNetwork(nn.Module):
    """The Universal Sentence Encoder: token numbers to features [B, 512] to logits [B, C].

    Raises:
        UserError: the settings ask for another pooling than its own.
    """

    def __init__(
        self, settings: TrainedText | KernelText, encoder: UseEncoder, num_classes: int
    ) -> None:
        super().__init__()
        if settings.pooling != "mean":
            raise UserError(
                f"pooling is {settings.pooling}; expected mean: this network averages in its own "
                "way, so leave the key out in params.yaml"
            )
        self.encoder = encoder
        self.head = network_head(encoder.size, num_classes, settings)

    def features(self, batch: dict[str, Tensor]) -> Tensor:
        """Turn input_ids and attention_mask, [B, L] each, into features [B, 512]."""
        vectors: Tensor = self.encoder(**batch)
        return vectors

    def forward(self, batch: dict[str, Tensor]) -> Tensor:
        """Turn input_ids and attention_mask, [B, L] each, into logits [B, C]."""
        logits: Tensor = self.head(self.features(batch))
        return logits

    def save_config(self, path: Path) -> None:
        """Write what the encoder is built from again."""
        write_json(path, {"model_type": MODEL_TYPE, "vocab_size": self.encoder.vocabulary})


def start_text_network(
    settings: TrainedText | KernelText, weights: Path, vocab_size: int, num_classes: int
) -> TextNetwork | UseNetwork:
    """Return a network to be fitted, with the weights in the folder of the weights stage.

    Args:
        vocab_size: number of tokens of its tokenizer; used where the weights are random.
    """
    stored = weights / "model.safetensors"
    if not stored.exists():
        return text_network_from_config(settings, weights, num_classes, vocab_size)
    if (use := _use_encoder(weights)) is not None:
        use.load_state_dict(load_file(stored))
        return UseNetwork(settings, use, num_classes)
    encoder = _transformers().AutoModel.from_pretrained(weights, local_files_only=True)
    return TextNetwork(settings, encoder, num_classes)


def text_network_from_config(
    settings: TrainedText | KernelText,
    folder: Path,
    num_classes: int,
    vocab_size: int | None = None,
) -> TextNetwork | UseNetwork:
    """Return the network that `folder`/config.json describes, with random weights.

    Args:
        vocab_size: number of tokens of its tokenizer, where it is not the one in the file.
    """
    if (use := _use_encoder(folder)) is not None:
        return UseNetwork(settings, use, num_classes)
    transformers = _transformers()
    config = transformers.AutoConfig.from_pretrained(folder, local_files_only=True)
    if vocab_size is not None:
        config.vocab_size = vocab_size
    return TextNetwork(settings, transformers.AutoModel.from_config(config), num_classes)


def _use_encoder(folder: Path) -> UseEncoder | None:
    """Return the encoder that `folder`/config.json describes, empty; None for transformers'."""
    config = read_json(folder / "config.json")
    return UseEncoder(config["vocab_size"]) if config.get("model_type") == MODEL_TYPE else None


def _transformers() -> Any:
    import transformers

    transformers.logging.set_verbosity_error()
    return transformers
