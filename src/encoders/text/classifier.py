"""A fitted text network: saved, loaded, and asked about new texts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from pydantic import TypeAdapter
from tokenizers import Tokenizer
from torch import Tensor

from src.core.files import read_json, write_json
from src.core.schema import KernelText, TrainedText
from src.encoders.common.converted_model import BATCH
from src.encoders.common.encoder import EncoderOutput
from src.encoders.common.network_classifier import NetworkClassifier, load_network
from src.encoders.text.joining import texts_of
from src.encoders.text.networks import TextNetwork, text_network_from_config


class TextNetworkClassifier(NetworkClassifier):
    """A text network with its head, classes, settings and tokenizer.

    Args:
        source: content of the weights' source.json.
        special: numbers of the special tokens (cls, sep, pad), and vocab_size.
    """

    def __init__(
        self,
        network: TextNetwork,
        classes: Sequence[str],
        settings: TrainedText | KernelText,
        source: dict[str, Any],
        special: dict[str, int],
        tokenizer: Tokenizer,
    ) -> None:
        super().__init__(network, classes)
        self.settings, self.source = settings, source
        self.special, self.tokenizer = special, tokenizer

    @classmethod
    def load(cls, folder: Path) -> TextNetworkClassifier:
        """Read what `save` wrote.

        Raises:
            UserError: the weights are broken or of another network.
        """
        about = read_json(folder / "model.json")
        kinds: TypeAdapter[TrainedText | KernelText] = TypeAdapter(TrainedText | KernelText)
        settings = kinds.validate_python(about["settings"])
        network = text_network_from_config(settings, folder, len(about["classes"]))
        load_network(network, folder / "model.safetensors")
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        return cls(
            network, about["classes"], settings, about["source"], about["special"], tokenizer
        )

    def fitting_starts(self) -> None:
        """With `lora`, freeze the weights; raises UserError if the package for it is missing."""
        if isinstance(self.settings, TrainedText) and self.settings.lora:
            network: Any = self.network
            network.add_lora(self.settings.lora)

    def fitting_ends(self) -> None:
        """With `lora`, add what was learned to the weights: predictions need no package for it."""
        if isinstance(self.settings, TrainedText) and self.settings.lora:
            network: Any = self.network
            network.merge_lora()

    def about(self) -> dict[str, Any]:
        """Return what is needed to build the network again, next to its weights."""
        settings = self.settings.model_dump()
        return {"settings": settings, "source": self.source, "special": self.special}

    def save(self, folder: Path) -> None:
        """Write model.json, model.safetensors, config.json and tokenizer.json."""
        super().save(folder)
        network: Any = self.network
        write_json(folder / "config.json", network.config())
        self.tokenizer.save(str(folder / "tokenizer.json"))

    def score(self, table: pd.DataFrame) -> EncoderOutput:
        """Score listings by their clean `title` and `text`; known are those with a known token."""
        texts = texts_of(table, self.settings, self.special, self.tokenizer)
        parts = texts.by_length(BATCH)
        scored = self.score_batches(
            as_tensors(texts.batch(rows, self.special["pad"])) for rows in parts
        )
        back = np.argsort(np.concatenate(parts))
        return EncoderOutput(scored.features[back], scored.probs[back], texts.known)


def as_tensors(batch: dict[str, NDArray[np.int64]]) -> dict[str, Tensor]:
    """Return padded texts for PyTorch."""
    return {name: torch.from_numpy(array) for name, array in batch.items()}
