"""Words and a network's features of the same text, under one kernel."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from scipy.special import softmax
from sklearn.compose import ColumnTransformer
from torch import Tensor, nn


class Mixed(NamedTuple):
    """A network whose head is a kernel machine, and what words add to its logits."""

    network: nn.Module
    vectors: ColumnTransformer

    def probs(self, x: Tensor, texts: pd.DataFrame) -> NDArray[np.float32]:
        """Return class probabilities [N, C] of features [N, D] and texts' columns [N, 2]."""
        head: Any = self.network.head
        with torch.inference_mode():
            logits = head(x).numpy() + self.vectors.transform(texts) @ head.words_coef.numpy()
        probs: NDArray[np.float32] = softmax(logits, axis=1).astype(np.float32)
        return probs
