"""Binarisers: sign forward (+1 at zero, and at minus zero), an estimator of its gradient backward."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from xnorflow.errors import BadInputError


def sign(x: Tensor) -> Tensor:
    """+1 where ``x >= 0``, else -1, in the dtype of ``x``; unlike ``torch.sign`` it never gives 0."""
    return torch.where(x >= 0, 1.0, -1.0).to(x.dtype)


class _SteFunction(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, clip: float) -> Tensor:
        ctx.save_for_backward(x)
        ctx.clip = clip
        return sign(x)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        (x,) = ctx.saved_tensors
        return grads[0] * (x.abs() <= ctx.clip), None


class SteSign(nn.Module):
    """Straight-through estimator with clip: the gradient passes where ``|x| <= clip`` (Hubara et al. 2016).

    Args:
        clip: half-width of the window, 1 by default; BNext uses 1.5, larq's QuickNet 1.25.
    """

    def __init__(self, clip: float = 1.0) -> None:
        super().__init__()
        if clip <= 0:
            raise BadInputError(f"estimator ste: clip {clip} is not positive")
        self.clip = clip

    def forward(self, x: Tensor) -> Tensor:
        """Sign of ``x``, any shape."""
        out: Tensor = _SteFunction.apply(x, self.clip)  # type: ignore[no-untyped-call]  # torch leaves apply unannotated
        return out


class _ApproxFunction(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return sign(x)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        slope: Tensor = (2 - 2 * x.abs()).clamp_(min=0)
        return grads[0] * slope


class ApproxSign(nn.Module):
    """Piecewise quadratic estimator: the gradient is ``max(0, 2 - 2|x|)`` (Liu et al. 2018, Bi-Real Net)."""

    def __init__(self) -> None:
        super().__init__()

    def forward(self, x: Tensor) -> Tensor:
        """Sign of ``x``, any shape."""
        out: Tensor = _ApproxFunction.apply(x)  # type: ignore[no-untyped-call]  # torch leaves apply unannotated
        return out
