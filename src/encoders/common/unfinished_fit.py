"""What is kept of a fit until its stage is done, so that a killed stage can go on with it."""

from __future__ import annotations

import pickle
import sys
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

import lightning.pytorch as pl
import torch
from lightning.pytorch.callbacks import Checkpoint
from lightning.pytorch.plugins.io import TorchCheckpointIO
from torch import Tensor, nn
from torch.utils.data import DataLoader

from src.core.files import replacing
from src.encoders.common.batches import TrainBatches


class UnfinishedFit:
    """One fit's files: all that Lightning needs to go on after its last epoch, or its result.

    Args:
        folder: of the stage in its state, see `src.core.unfinished`.
        name: of the fit, which no other of the stage has.
        world: how many processes fit together.
    """

    def __init__(self, folder: Path, name: str, world: int) -> None:
        # DVC tracks neither, and what they compute differs.
        made_by = f"torch {torch.__version__}, {world} on {torch.cuda.device_count()} GPUs"
        self.name = name
        self.last_epoch = folder / f"{name} ({made_by}).ckpt"
        self.result = folder / f"{name} ({made_by}).result"

    def load_result(self, network: nn.Module) -> list[dict[str, float]] | None:
        """Fill a network with what the fit ended with and return its curves; None: it did not."""
        found = _load(self.result)
        if found is None:
            return None
        network.load_state_dict(found["weights"])
        curves: list[dict[str, float]] = found["curves"]
        return curves

    def save_result(self, network: nn.Module, curves: list[dict[str, float]]) -> None:
        """Keep the result and delete what was kept to get there."""
        if _save({"weights": network.state_dict(), "curves": curves}, self.result):
            self.last_epoch.unlink(missing_ok=True)

    def resume(self, batches: DataLoader[Any]) -> Path | None:
        """Return the checkpoint to go on from and set the batches to its epoch; None for none."""
        found = _load(self.last_epoch)
        if found is None:
            return None
        if isinstance(batches.batch_sampler, TrainBatches):
            batches.batch_sampler.epoch = found["epoch"]
        print(f"{self.name}: goes on after epoch {found['epoch'] + 1}", file=sys.stderr)
        return self.last_epoch


class SaveEpochs(Checkpoint):
    """Keeps what Lightning needs to go on, after each epoch but the last."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        # Lightning forgets that it was told to stop, so it must not go on from there.
        if not trainer.should_stop and trainer.current_epoch + 1 != trainer.max_epochs:
            trainer.save_checkpoint(self.file)


class WholeFiles(TorchCheckpointIO):
    """Writes beside, then renames; Lightning's own way also holds the file in memory, twice."""

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None
    ) -> None:
        _save(checkpoint, Path(path))


def random_states(device: torch.device) -> list[Tensor]:
    """Return PyTorch's random states, each uint8 [n]: of the CPU, and of a GPU that is used."""
    states = [torch.get_rng_state()]
    return [*states, torch.cuda.get_rng_state(device)] if device.type == "cuda" else states


def set_random_states(device: torch.device, states: list[Tensor]) -> None:
    """Set what `random_states` returned."""
    torch.set_rng_state(states[0])
    if device.type == "cuda":
        torch.cuda.set_rng_state(states[1], device)


# Folders that could not be written to.
_WARNED: set[Path] = set()


def _save(content: dict[str, Any], file: Path) -> bool:
    """Write a file whole or not at all; say whether it is written. The fit itself needs it not."""
    try:
        with replacing(file) as temporary:
            torch.save(content, temporary)
    except (OSError, RuntimeError) as error:
        # On a full disk PyTorch raises the second, in several lines. It would fail each epoch.
        if file.parent not in _WARNED:
            reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
            print(f"warning: {file} cannot be written: {reason}", file=sys.stderr)
            _WARNED.add(file.parent)
        return False
    return True


def _load(file: Path) -> dict[str, Any] | None:
    """Load a file without running code from it; None where there is none or it is broken."""
    if not file.exists():
        return None
    try:
        if ZipFile(file).testzip() is None:
            content: dict[str, Any] = torch.load(file, "cpu", weights_only=True)
            return content
    except (BadZipFile, pickle.UnpicklingError, RuntimeError, OSError, EOFError, ValueError):
        pass
    print(f"warning: {file} is broken; the fit starts again", file=sys.stderr)
    file.unlink()
    return None
