"""Text networks: a transformers encoder with masked mean pooling under one head."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from src.core.errors import UserError
from src.core.schema import KernelText, TrainedText
from src.encoders.common.heads import network_head


class TextNetwork(nn.Module):
    """Token numbers to features to logits.

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
        # Features are averaged states; BERT's own pooling is not used and gets no gradient.
        if getattr(self.encoder, "pooler", None) is not None:
            self.encoder.pooler = None
        self.head = network_head(self.encoder.config.hidden_size, num_classes, settings)

    def features(self, batch: dict[str, Tensor]) -> Tensor:
        """Average the last states of real tokens: input_ids [B, L] to features [B, H]."""
        states = self.encoder(**batch).last_hidden_state
        mask = batch["attention_mask"].unsqueeze(-1).to(states.dtype)
        return torch.as_tensor((states * mask).sum(1) / mask.sum(1))

    def forward(self, batch: dict[str, Tensor]) -> Tensor:
        """Turn input_ids and attention_mask, [B, L] each, into logits [B, C]."""
        logits: Tensor = self.head(self.features(batch))
        return logits


def start_text_network(
    settings: TrainedText | KernelText, weights: Path, vocab_size: int, num_classes: int
) -> TextNetwork:
    """Return a network to be fitted, with the weights in the folder of the weights stage.

    Args:
        vocab_size: number of tokens of its tokenizer; used where the weights are random.
    """
    if not (weights / "model.safetensors").exists():
        return text_network_from_config(settings, weights, num_classes, vocab_size)
    encoder = _transformers().AutoModel.from_pretrained(weights, local_files_only=True)
    return TextNetwork(settings, encoder, num_classes)


def text_network_from_config(
    settings: TrainedText | KernelText,
    folder: Path,
    num_classes: int,
    vocab_size: int | None = None,
) -> TextNetwork:
    """Return the network that `folder`/config.json describes, with random weights.

    Args:
        vocab_size: number of tokens of its tokenizer, where it is not the one in the file.
    """
    transformers = _transformers()
    config = transformers.AutoConfig.from_pretrained(folder, local_files_only=True)
    if vocab_size is not None:
        config.vocab_size = vocab_size
    return TextNetwork(settings, transformers.AutoModel.from_config(config), num_classes)


def _transformers() -> Any:
    import transformers

    transformers.logging.set_verbosity_error()
    return transformers
