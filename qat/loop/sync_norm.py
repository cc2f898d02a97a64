"""Batch norms that see the batch of all processes together, on any device."""

from __future__ import annotations

from typing import Any

import torch
from lightning.pytorch.plugins import LayerSync
from torch import Tensor, nn
from torch.autograd.function import FunctionCtx

from xnorflow.models.layers import ScalarNorm


class _SumOfProcesses(torch.autograd.Function):
    """Sum of a tensor over all processes; what flows back is summed too, since the losses of all depend on it."""

    @staticmethod
    def forward(ctx: FunctionCtx, value: Tensor) -> Tensor:
        return _summed(value)

    @staticmethod
    def backward(ctx: FunctionCtx, *gradients: Any) -> Tensor:
        return _summed(gradients[0])


def _summed(value: Tensor) -> Tensor:
    total = value.contiguous().clone()
    torch.distributed.all_reduce(total)
    return total


def _mean_of_processes(value: Tensor) -> Tensor:
    total: Tensor = _SumOfProcesses.apply(value)  # type: ignore[no-untyped-call]  # torch does not annotate it
    return total / torch.distributed.get_world_size()


def global_norm(norm: nn.BatchNorm1d | nn.BatchNorm2d | ScalarNorm, x: Tensor) -> Tensor:
    """What ``norm`` in training gives for this process's share ``x`` of a batch, and its running statistics after it.

    Args:
        norm: of channels, the second dimension of ``x``, or of the whole tensor.
        x: as many values as in any other process.
    """
    scalar = isinstance(norm, ScalarNorm)
    dims = [dim for dim in range(x.dim()) if scalar or dim != 1]
    wide = x.double() if x.dtype == torch.float64 else x.float()
    mean = _mean_of_processes(wide.mean(dims, keepdim=True))
    var = _mean_of_processes((wide - mean).square().mean(dims, keepdim=True))
    shape = [1 if scalar or dim != 1 else -1 for dim in range(x.dim())]
    _follow(norm, mean, var, torch.distributed.get_world_size() * x.numel() / mean.numel())
    normal = (wide - mean) * torch.rsqrt(var + norm.eps)
    result: Tensor = normal * norm.weight.reshape(shape) + norm.bias.reshape(shape)
    return result.to(x.dtype)


@torch.no_grad()
def _follow(norm: nn.BatchNorm1d | nn.BatchNorm2d | ScalarNorm, mean: Tensor, var: Tensor, count: float) -> None:
    assert norm.running_mean is not None
    assert norm.running_var is not None
    assert norm.momentum is not None
    norm.running_mean.lerp_(mean.reshape(-1).to(norm.running_mean.dtype), norm.momentum)
    norm.running_var.lerp_((var * count / (count - 1)).reshape(-1).to(norm.running_var.dtype), norm.momentum)
    if not isinstance(norm, ScalarNorm) and norm.num_batches_tracked is not None:
        norm.num_batches_tracked += 1


class _Global:
    """Mixed into a norm: its training sees all processes."""

    def forward(self: Any, x: Tensor) -> Tensor:
        return global_norm(self, x) if self.training else super().forward(x)  # type: ignore[misc]  # the norm's


class _GlobalBatchNorm1d(_Global, nn.BatchNorm1d):
    pass


class _GlobalBatchNorm2d(_Global, nn.BatchNorm2d):
    pass


class _GlobalScalarNorm(_Global, ScalarNorm):
    pass


GLOBAL: dict[type[nn.Module], type[nn.Module]] = {
    nn.BatchNorm1d: _GlobalBatchNorm1d,
    nn.BatchNorm2d: _GlobalBatchNorm2d,
    ScalarNorm: _GlobalScalarNorm,
}
LOCAL = {there: here for here, there in GLOBAL.items()}


class GlobalBatchNorm(LayerSync):
    """Turns every batch norm into one over all processes and back; parameters, buffers and names stay.

    PyTorch's own ``SyncBatchNorm`` runs on GPUs only, is no ``BatchNorm2d`` any more, and does not know :class:`ScalarNorm`.
    """

    def apply(self, model: nn.Module) -> nn.Module:
        return _reclassed(model, GLOBAL)

    def revert(self, model: nn.Module) -> nn.Module:
        return _reclassed(model, LOCAL)


def _reclassed(model: nn.Module, classes: dict[type[nn.Module], type[nn.Module]]) -> nn.Module:
    for module in model.modules():
        module.__class__ = classes.get(type(module), type(module))
    return model
