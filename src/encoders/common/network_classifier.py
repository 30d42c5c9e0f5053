"""What fitted image and text networks share: scoring batches, saving and loading."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from src.core.errors import UserError
from src.core.files import write_json
from src.encoders.common.encoder import EncoderOutput
from src.encoders.common.heads import KernelHead

# Photos [B, S, S, 3], or a text network's tensors by name.
Batch = Tensor | dict[str, Tensor]


class NetworkClassifier:
    """A network with a head and the names of its classes.

    Attributes:
        network: its `features` turns a batch into [B, D], its `head` features into logits [B, C].
        classes: names of the classes, [C].
    """

    def __init__(self, network: nn.Module, classes: Sequence[str]) -> None:
        self.network, self.classes = network, list(classes)

    def probs(self, x: Tensor) -> NDArray[np.float32]:
        """Return class probabilities [N, C] of features [N, D] on the CPU."""
        head: nn.Module = self.network.head  # type: ignore[assignment]
        with torch.inference_mode():
            probs: NDArray[np.float32] = head.cpu()(x).softmax(1).numpy()
        return probs

    def score_batches(self, batches: Iterable[Batch]) -> EncoderOutput:
        """Score the listings of some batches, in their order."""
        device = next(self.network.parameters()).device
        x = torch.cat([features_of(self.network, batch, device) for batch in batches])
        return EncoderOutput(x.numpy(), self.probs(x), np.ones(len(x), bool))

    def fitting_starts(self) -> None:
        """Prepare the whole network to be fitted; `fitting_ends` follows."""

    def fitting_ends(self) -> None:
        """Leave the network as it is loaded."""

    def about(self) -> dict[str, Any]:
        """Return what is needed to build the network again, next to its weights."""
        raise NotImplementedError

    def save(self, folder: Path) -> None:
        """Write model.json and model.safetensors."""
        state = {name: _compact(tensor) for name, tensor in self.network.state_dict().items()}
        # A copy of what layers share: the format refuses tensors that share memory.
        own = {tensor.data_ptr(): name for name, tensor in state.items()}
        for name, tensor in state.items():
            if own[tensor.data_ptr()] != name:
                state[name] = tensor.clone()
        save_file(state, folder / "model.safetensors")
        write_json(folder / "model.json", {"classes": self.classes, **self.about()})


def features_of(
    network: nn.Module, batch: Batch, device: torch.device, dtype: torch.dtype | None = None
) -> Tensor:
    """Return features [B, D], float32 on the CPU, of a batch.

    Args:
        network: on that device, in evaluation mode.
        dtype: the type to multiply in; by default the network's own.
    """
    with torch.inference_mode(), torch.autocast(device.type, dtype, enabled=dtype is not None):
        found: Tensor = network.features(to_device(batch, device))  # type: ignore[operator]
    return found.float().cpu()


def load_network(network: nn.Module, path: Path) -> None:
    """Fill a network from a safetensors file and make it ready to score, on a GPU if there is one.

    Raises:
        UserError: the file is broken, or its tensors do not fit the network.
    """
    try:
        state = load_file(path)
        if isinstance(network.head, KernelHead) and "head.landmarks" in state:
            # Only the file says how many landmarks there are.
            network.head = network.head.resized(len(state["head.landmarks"]))
        network.load_state_dict(state)
    except (SafetensorError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"{path} does not hold this network's weights: {reason}") from error
    network.eval()
    # Moved once, here: several threads may score at the same time.
    network.to("cuda" if torch.cuda.is_available() else "cpu")
    network.head.cpu()  # type: ignore[union-attr,operator]


def _compact(tensor: Tensor) -> Tensor:
    """Return a tensor for a file, in 16 bits if it came from 16 bits and was not fitted."""
    half = tensor.half() if tensor.dtype == torch.float32 else tensor
    return (half if torch.equal(half.to(tensor.dtype), tensor) else tensor).contiguous()


def to_device(batch: Batch, device: torch.device) -> Batch:
    """Return a batch on a device."""
    if isinstance(batch, Tensor):
        return batch.to(device, non_blocking=True)
    return {name: tensor.to(device, non_blocking=True) for name, tensor in batch.items()}
