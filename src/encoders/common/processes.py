"""Several processes that fit one network together.

Lightning starts and ends them inside `fit`: `trainer.devices` on each of `trainer.nodes` machines.
Each takes its share of every batch. The loss is that of the whole batch. On GPUs so is batch
normalisation; on CPUs, where PyTorch cannot do that, each process normalises its own rows.
"""

from __future__ import annotations

import copy
import os
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from numpy.typing import NDArray
from torch import Tensor, nn

from src.core.errors import UserError
from src.core.schema import Trainer
from src.core.wording import count_of


def world_size() -> int:
    """Return how many processes fit together; 1 outside `fit`."""
    return dist.get_world_size() if dist.is_initialized() else 1


def share(rows: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return this process's share of the rows [N]; the shares are disjoint and equal to within 1.

    A share is every k-th row, since rows next to each other are of similar length.
    """
    rank = dist.get_rank() if dist.is_initialized() else 0
    return rows[rank :: world_size()]


def total(x: Tensor) -> Tensor:
    """Return the sum of the processes' tensors; no gradient flows through it."""
    x = x.detach().clone()
    if dist.is_initialized():
        dist.all_reduce(x)
    return x


def gathered(x: Tensor) -> Tensor:
    """Concatenate the processes' tensors [n_i, …], whose lengths may differ; on the CPU."""
    if not dist.is_initialized():
        return x.cpu()
    shares: list[Any] = [None] * world_size()
    dist.all_gather_object(shares, x.cpu())
    return torch.cat(shares)


def synchronised(network: nn.Module) -> nn.Module:
    """Return a copy whose batch normalisation runs over the rows of all processes, on GPUs.

    For Lightning's `sync_batchnorm`: PyTorch's converter, which that calls, drops the activation
    that is part of some of timm's layers. timm's converter keeps it.
    """
    # Imported late: timm takes seconds.
    from timm.layers import convert_sync_batchnorm

    converted: nn.Module = convert_sync_batchnorm(copy.deepcopy(network))
    return converted


def processes(trainer: Trainer) -> int:
    """Return how many processes to start on this machine.

    Raises:
        UserError: there are fewer GPUs than `devices`, or the environment does not tell several
            machines how to find each other.
    """
    gpus, nodes = gpu_count(trainer), trainer.nodes
    devices = max(1, gpus) if trainer.devices == "auto" else trainer.devices
    if gpus and devices > gpus:
        raise UserError(
            f"trainer.devices is {devices}, but this machine has {count_of(gpus, 'GPU')}; "
            "set auto or fewer in params.yaml, or trainer.accelerator to cpu"
        )
    missing = {"MASTER_ADDR", "MASTER_PORT", "NODE_RANK"} - set(os.environ)
    if nodes > 1 and missing:
        raise UserError(
            f"trainer.nodes is {nodes}, but {', '.join(sorted(missing))} is not set; on every "
            "machine set MASTER_ADDR and MASTER_PORT to those of the first, and NODE_RANK to its "
            f"number, 0 to {nodes - 1}"
        )
    if devices * nodes > 1 and int(os.environ.get("NODE_RANK", 0)) >= nodes:
        raise UserError(
            f"NODE_RANK is {os.environ['NODE_RANK']} and trainer.nodes {nodes}; "
            f"expected a NODE_RANK from 0 to {nodes - 1}"
        )
    return devices


def gpu_count(trainer: Trainer) -> int:
    """Return how many GPUs of this machine may be used.

    Raises:
        UserError: params.yaml wants a GPU, and there is none.
    """
    count = torch.cuda.device_count() if trainer.accelerator != "cpu" else 0
    if trainer.accelerator == "gpu" and not count and not torch.backends.mps.is_available():
        raise UserError(
            "trainer.accelerator is gpu, but PyTorch finds no GPU on this machine; set it to auto "
            "or cpu in params.yaml, or check the driver with `nvidia-smi`"
        )
    return count
