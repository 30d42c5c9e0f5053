"""Text networks: a transformers encoder with masked mean pooling under one head."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from src.core.errors import UserError
from src.encoders.common.heads import network_head


class TextNetwork(nn.Module):
    """Token numbers to features to logits."""

    def __init__(self, spec: dict[str, Any], encoder: Any, num_classes: int) -> None:
        super().__init__()
        self.encoder = encoder
        positions = getattr(self.encoder.config, "max_position_embeddings", spec["max_tokens"])
        if spec["max_tokens"] > positions:
            raise UserError(
                f"max_tokens is {spec['max_tokens']}; expected at most {positions}, the most that "
                "this network reads: set it in params.yaml"
            )
        self.encoder.float()
        # Features are averaged states; BERT's own pooling has no part in them and no gradient.
        if getattr(self.encoder, "pooler", None) is not None:
            self.encoder.pooler = None
        self.head = network_head(self.encoder.config.hidden_size, num_classes, spec)

    def features(self, batch: dict[str, Tensor]) -> Tensor:
        """Average the last states of real tokens: input_ids [B, L] to features [B, H]."""
        states = self.encoder(**batch).last_hidden_state
        mask = batch["attention_mask"].unsqueeze(-1).to(states.dtype)
        return torch.as_tensor((states * mask).sum(1) / mask.sum(1))

    def forward(self, batch: dict[str, Tensor]) -> Tensor:
        """Turn input_ids and attention_mask, [B, L] each, into logits [B, C]."""
        logits: Tensor = self.head(self.features(batch))
        return logits


def started(spec: dict[str, Any], weights: Path, vocab_size: int, num_classes: int) -> TextNetwork:
    """Return the network as the weights stage left it in the folder `weights`, to be fitted.

    Args:
        vocab_size: tokens that its tokenizer knows; counts where the weights are random.
    """
    if not (weights / "model.safetensors").exists():
        return from_config(spec, weights, num_classes, vocab_size)
    encoder = _transformers().AutoModel.from_pretrained(weights, local_files_only=True)
    return TextNetwork(spec, encoder, num_classes)


def from_config(
    spec: dict[str, Any], folder: Path, num_classes: int, vocab_size: int | None = None
) -> TextNetwork:
    """Return the network that `folder`/config.json describes, at random.

    Args:
        vocab_size: tokens that its tokenizer knows, where not as many as the file says.
    """
    transformers = _transformers()
    config = transformers.AutoConfig.from_pretrained(folder, local_files_only=True)
    if vocab_size is not None:
        config.vocab_size = vocab_size
    return TextNetwork(spec, transformers.AutoModel.from_config(config), num_classes)


def _transformers() -> Any:
    import transformers

    transformers.logging.set_verbosity_error()
    return transformers
