"""Text networks: an encoder under one head, of transformers or the one of `use.py`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from src.core.errors import UserError
from src.core.files import read_json
from src.core.schema import KernelText, TrainedText
from src.encoders.common.heads import network_head
from src.encoders.text.use import MODEL_TYPE, USE_SIZE, UseEncoder


class TextNetwork(nn.Module):
    """Token numbers to features to logits: an encoder under one head.

    Features are those of the whole text; with `title_apart` those of the title follow.
    """

    encoder: Any

    def __init__(
        self, settings: TrainedText | KernelText, encoder: Any, size: int, num_classes: int
    ) -> None:
        """Take an encoder whose features have that size, H."""
        super().__init__()
        self.encoder = encoder
        self.head = network_head(size * (1 + settings.title_apart), num_classes, settings)

    def encode(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Turn padded tokens and their mask, [B, L] each, into features [B, H]."""
        raise NotImplementedError

    def config(self) -> dict[str, Any]:
        """Return what the encoder is built from again."""
        raise NotImplementedError

    def add_lora(self, rank: int) -> None:
        """Freeze the encoder, and add matrices of that rank to its layers, which do nothing yet.

        Raises:
            UserError: the package for it is not installed.
        """
        try:
            from peft import LoraConfig, get_peft_model
        except ImportError as error:
            raise UserError(
                f"lora is {rank}, which needs the package peft; run `pip install peft`, or set "
                "lora to 0 in params.yaml"
            ) from error
        # Twice the rank and all layers, as the authors of QLoRA found best.
        config = LoraConfig(r=rank, lora_alpha=2 * rank, target_modules="all-linear")
        self.encoder = get_peft_model(self.encoder, config)

    def merge_lora(self) -> None:
        """Add the matrices of `add_lora` to the weights, so that the encoder is as it was built."""
        self.encoder = self.encoder.merge_and_unload()

    def features(self, batch: dict[str, Tensor]) -> Tensor:
        """Turn a batch as `pad_listings` gives it into features [B, H] or [B, 2 H]."""
        found = self.encode(batch["input_ids"], batch["attention_mask"])
        if "title_ids" not in batch:
            return found
        return torch.cat([found, self.encode(batch["title_ids"], batch["title_mask"])], 1)

    def forward(self, batch: dict[str, Tensor]) -> Tensor:
        """Turn a batch as `pad_listings` gives it into logits [B, C]."""
        logits: Tensor = self.head(self.features(batch))
        return logits


class TransformersNetwork(TextNetwork):
    """An encoder of transformers, its last states pooled.

    Raises:
        UserError: the encoder reads fewer tokens than `max_tokens`.
    """

    def __init__(self, settings: TrainedText | KernelText, encoder: Any, num_classes: int) -> None:
        wanted = settings.max_tokens
        most = _longest(encoder)
        if most is not None and wanted > most:
            raise UserError(
                f"max_tokens is {wanted}; expected at most {most}, as many as this network can "
                "read: set it in params.yaml"
            )
        super().__init__(settings, encoder, encoder.config.hidden_size, num_classes)
        self.encoder.float()
        # BERT's own pooling is not used and gets no gradient.
        if getattr(self.encoder, "pooler", None) is not None:
            self.encoder.pooler = None
        self.pooling = settings.pooling

    def encode(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        states: Tensor = self.encoder(
            input_ids=input_ids, attention_mask=attention_mask
        ).last_hidden_state
        if self.pooling == "cls":
            return states[:, 0]
        if self.pooling == "last":
            last = attention_mask.sum(1) - 1
            return states[torch.arange(len(last), device=last.device), last]
        mask = attention_mask.unsqueeze(-1).to(states.dtype)
        return torch.as_tensor((states * mask).sum(1) / mask.sum(1))

    def config(self) -> dict[str, Any]:
        config: dict[str, Any] = self.encoder.config.to_diff_dict()
        return config


def _longest(encoder: Any) -> int | None:
    """Return how many tokens an encoder can read; None for any number."""
    most: int | None = getattr(encoder.config, "max_position_embeddings", None)
    places = getattr(getattr(encoder, "embeddings", None), "position_embeddings", None)
    padding = getattr(places, "padding_idx", None)
    # RoBERTa counts places from the one after padding's.
    return most if most is None or padding is None else most - padding - 1


class UseNetwork(TextNetwork):
    """The Universal Sentence Encoder.

    Raises:
        UserError: the settings ask for another pooling than its own.
    """

    def __init__(
        self, settings: TrainedText | KernelText, encoder: UseEncoder, num_classes: int
    ) -> None:
        if settings.pooling != "mean":
            raise UserError(
                f"pooling is {settings.pooling}; expected mean: this network averages in its own "
                "way, so leave the key out in params.yaml"
            )
        super().__init__(settings, encoder, USE_SIZE, num_classes)

    def encode(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        vectors: Tensor = self.encoder(input_ids, attention_mask)
        return vectors

    def config(self) -> dict[str, Any]:
        return {"model_type": MODEL_TYPE, "vocab_size": self.encoder.vocabulary}


def start_text_network(
    settings: TrainedText | KernelText, weights: Path, vocab_size: int, num_classes: int
) -> TextNetwork:
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
    loader, _ = _transformers(weights)
    encoder = loader.from_pretrained(weights, local_files_only=True)
    return TransformersNetwork(settings, encoder, num_classes)


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
    if (use := _use_encoder(folder)) is not None:
        return UseNetwork(settings, use, num_classes)
    loader, config = _transformers(folder)
    if vocab_size is not None:
        config.vocab_size = vocab_size
    return TransformersNetwork(settings, loader.from_config(config), num_classes)


def _use_encoder(folder: Path) -> UseEncoder | None:
    """Return the encoder that `folder`/config.json describes, empty; None for transformers'."""
    config = read_json(folder / "config.json")
    return UseEncoder(config["vocab_size"]) if config.get("model_type") == MODEL_TYPE else None


def _transformers(folder: Path) -> tuple[Any, Any]:
    """Return what loads the encoder that `folder`/config.json describes, and this description."""
    import transformers

    transformers.logging.set_verbosity_error()
    config = transformers.AutoConfig.from_pretrained(folder, local_files_only=True)
    # Of T5 and its kin there is the encoder alone.
    t5 = config.model_type in ("t5", "mt5", "umt5")
    return transformers.AutoModelForTextEncoding if t5 else transformers.AutoModel, config
