"""A fitted text network: saved, loaded, and asked about new texts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pydantic import TypeAdapter
from tokenizers import Tokenizer

from src.core.files import read_json, write_json
from src.core.schema import KernelText, TrainedText
from src.encoders.common.encoder import EncoderOutput
from src.encoders.common.network_classifier import BATCH, NetworkClassifier, load_network
from src.encoders.text.joining import join_texts
from src.encoders.text.networks import TextNetwork, text_network_from_config
from src.encoders.text.tokens import encode


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
        titles, bodies = (encode(self.tokenizer, table[n].tolist()) for n in ("title", "text"))
        texts = join_texts(titles, bodies, self.settings, self.special, self.tokenizer)
        # Texts of similar length share a batch, or most of it would be padding.
        order = np.argsort([len(numbers) for numbers in texts.tokens], kind="stable")
        batches = (
            texts.batch(order[at : at + BATCH], self.special["pad"])
            for at in range(0, len(order), BATCH)
        )
        scored = self.score_batches(batches)
        back = np.argsort(order)
        return EncoderOutput(scored.features[back], scored.probs[back], texts.known)
