"""Google's Universal Sentence Encoder, multilingual, version 3: tokens to one vector per text."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize, pad

# What config.json says in place of the name of an architecture of transformers.
MODEL_TYPE = "use"
USE_SIZE = 512
INNER = 320
CHANNELS = 256
# What each branch reads around a token: that many tokens, of which so many before it.
WINDOWS = ((2, 0), (3, 1), (5, 2))
EPSILON = 1e-12


class Branch(nn.Module):
    """Two convolutions over the tokens of a text, each added to what it reads."""

    def __init__(self, size: int, before: int) -> None:
        super().__init__()
        self.size, self.before = size, before
        self.first = nn.Linear(size * CHANNELS, CHANNELS)
        self.second = nn.Linear(size * CHANNELS, CHANNELS)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Turn [B, L, C] into the same shape; `mask` [B, L, 1] is 0 at padding."""
        length = x.shape[1]
        for convolution in (self.first, self.second):
            # As a product: PyTorch's convolution takes longer on a CPU.
            longer = pad(x, (0, 0, self.before, self.size - 1 - self.before))
            windows = torch.cat([longer[:, at : at + length] for at in range(self.size)], -1)
            x = (x + convolution(windows).relu()) * mask
        return x


class Residual(nn.Module):
    """Two dense layers beside one."""

    def __init__(self, read: int, inner: int, written: int) -> None:
        super().__init__()
        self.first = nn.Linear(read, inner, bias=False)
        self.second = nn.Linear(inner, written, bias=False)
        self.beside = nn.Linear(read, written, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Turn [B, read] into [B, written]."""
        return self.beside(x) + self.second(self.first(x).relu())


class UseEncoder(nn.Module):
    """The network; its words are kept in 8 bits, so fitting leaves them as they are.

    Args:
        vocabulary: number of tokens, V.
    """

    def __init__(self, vocabulary: int) -> None:
        super().__init__()
        self.vocabulary = vocabulary
        self.words: Tensor
        self.scale: Tensor
        self.lowest: Tensor
        self.register_buffer("words", torch.zeros(vocabulary, USE_SIZE, dtype=torch.uint8))
        self.register_buffer("scale", torch.zeros(vocabulary))
        self.register_buffer("lowest", torch.zeros(vocabulary))
        read = CHANNELS * len(WINDOWS)
        self.project = nn.Linear(USE_SIZE, read)
        self.project_norm = nn.LayerNorm(read, EPSILON)
        self.branches = nn.ModuleList(Branch(*window) for window in WINDOWS)
        self.norm = nn.LayerNorm(USE_SIZE + read, EPSILON)
        self.average = nn.Linear(USE_SIZE + read, USE_SIZE)
        self.blocks = nn.Sequential(
            Residual(USE_SIZE, INNER, INNER), Residual(INNER, USE_SIZE, USE_SIZE)
        )

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Turn input_ids and attention_mask, [B, L] each, into vectors of length 1, [B, 512]."""
        mask = attention_mask.unsqueeze(-1).to(self.scale.dtype)
        words = self.words[input_ids] * self.scale[input_ids].unsqueeze(-1)
        words = words + self.lowest[input_ids].unsqueeze(-1)
        x = self.project_norm(self.project(words)) * mask
        read = zip(self.branches, x.split(CHANNELS, -1), strict=True)
        seen = [branch(part, mask) for branch, part in read]
        states = self.norm(torch.cat([words, *seen], -1)) * mask
        # The sum over the square root of the number of tokens, as the original does.
        length = mask.sum(1)
        x = nn.functional.linear(states.sum(1), self.average.weight) + length * self.average.bias
        x = x / length.sqrt()
        first, second = self.blocks
        return normalize(second(first(x).relu()).tanh(), eps=EPSILON)
