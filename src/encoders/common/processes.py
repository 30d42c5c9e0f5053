"""Several processes that fit one network together, with the steps that one alone would take.

Lightning starts and ends them inside `fit`: `trainer.devices` on each of `trainer.nodes` machines.
Every batch is cut into shares; sums that make the loss and the normalisation of a batch run over
all of it, whoever has the rows.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.modules._functions import SyncBatchNorm as FusedBatchNorm
from torch.overrides import TorchFunctionMode

from src.core.errors import UserError


def world_size() -> int:
    """How many processes fit together; 1 outside `fit`."""
    return dist.get_world_size() if dist.is_initialized() else 1


def share(rows: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return the rows that this process takes: the shares of all are disjoint and equal by ±1.

    Every other row, for neighbours are of like length.
    """
    rank = dist.get_rank() if dist.is_initialized() else 0
    return rows[rank :: world_size()]


def total(x: Tensor) -> Tensor:
    """Sum a tensor over all processes; gradients flow back to all of them."""
    return _Sum.apply(x) if dist.is_initialized() else x  # type: ignore[no-any-return]


def gathered(x: Tensor) -> Tensor:
    """Concatenate the processes' tensors [n_i, …], which differ in length; on the CPU."""
    if not dist.is_initialized():
        return x.cpu()
    parts: list[Any] = [None] * world_size()
    dist.all_gather_object(parts, x.cpu())
    return torch.cat(parts)


class WholeBatchNorm(TorchFunctionMode):
    """Within it, batch normalisation in training takes the statistics of all processes' rows.

    torch.nn.SyncBatchNorm would have to take the place of each layer, which costs layers that do
    more than normalise (timm's BatchNormAct2d) the rest, and it refuses to run on a CPU.
    """

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        if func is nn.functional.batch_norm and dist.is_initialized():
            func = _batch_norm
        return func(*args, **(kwargs or {}))


def processes(trainer: dict[str, Any]) -> int:
    """How many processes params.yaml asks for on each machine.

    Raises:
        UserError: `devices` or `nodes` is no such number, there are not as many GPUs, or several
            machines are not told how to find each other.
    """
    devices, nodes = trainer["devices"], trainer["nodes"]
    gpus = torch.cuda.device_count() if trainer["accelerator"] != "cpu" else 0
    if devices == "auto":
        devices = max(1, gpus)
    for name, value in (("devices", devices), ("nodes", nodes)):
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise UserError(
                f"trainer.{name} is {value!r}; expected a number from 1"
                f"{' or auto' if name == 'devices' else ''}: set it in params.yaml"
            )
    if gpus and devices > gpus:
        raise UserError(
            f"trainer.devices is {devices}, but this machine has {gpus} GPU{'s' * (gpus > 1)}; "
            "set auto or fewer in params.yaml, or trainer.accelerator to cpu"
        )
    missing = {"MASTER_ADDR", "MASTER_PORT", "NODE_RANK"} - set(os.environ)
    if nodes > 1 and missing:
        raise UserError(
            f"trainer.nodes is {nodes}, but {', '.join(sorted(missing))} is not set; set on every "
            f"machine MASTER_ADDR and MASTER_PORT to the same and NODE_RANK from 0 to {nodes - 1}"
        )
    if devices * nodes > 1 and int(os.environ.get("NODE_RANK", 0)) >= nodes:
        raise UserError(
            f"NODE_RANK is {os.environ['NODE_RANK']} and trainer.nodes {nodes}; expected a smaller "
            "NODE_RANK: the machines count from 0"
        )
    return devices


def _batch_norm(
    x: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """`torch.nn.functional.batch_norm` over the rows [n_i, C, …] of all processes."""
    if not training:
        return nn.functional.batch_norm(x, running_mean, running_var, weight, bias, eps=eps)
    if x.is_cuda:
        settings = (running_mean, running_var, eps, momentum, dist.group.WORLD, world_size())
        return FusedBatchNorm.apply(x, weight, bias, *settings)  # type: ignore[no-any-return]
    exact = x.to(torch.promote_types(x.dtype, torch.float32))
    rows = x.numel() / x.shape[1]
    own_var, own_mean = torch.var_mean(exact, [0, *range(2, x.dim())], correction=0)
    count = total(torch.tensor(rows))
    mean = total(rows * own_mean) / count
    var = total(rows * (own_var + (own_mean - mean).square())) / count
    if running_mean is not None and running_var is not None:
        with torch.no_grad():
            running_mean.lerp_(mean.to(running_mean.dtype), momentum)
            running_var.lerp_((var * count / (count - 1)).to(running_var.dtype), momentum)
    scale = (var + eps).rsqrt() if weight is None else (var + eps).rsqrt() * weight
    shift = -mean * scale if bias is None else bias - mean * scale
    channels = [1, -1] + [1] * (x.dim() - 2)
    return torch.addcmul(shift.view(channels), exact, scale.view(channels)).to(x.dtype)


class _Sum(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        x = x.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(x)
        return x

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        return _Sum.apply(grad)  # type: ignore[no-any-return]
