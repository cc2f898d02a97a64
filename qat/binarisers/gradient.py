"""An operation with one formula forward and another backward: what every estimator of a sign's gradient is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

Pointwise = Callable[[Tensor], Tensor]


class _Estimated(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, value: Pointwise, slope: Pointwise | None) -> Tensor:
        ctx.slope = slope
        if slope is not None:
            ctx.save_for_backward(x)
        return value(x)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None]:
        if ctx.slope is None:
            return grads[0], None, None
        (x,) = ctx.saved_tensors
        return ctx.slope(x).mul_(grads[0]), None, None


def estimated(x: Tensor, value: Pointwise, slope: Pointwise | None = None) -> Tensor:
    """``value(x)`` forward, the incoming gradient times ``slope(x)`` backward.

    Args:
        x: float tensor of any shape.
        value: computed without gradient; keeps the shape, must not return ``x`` itself.
        slope: the assumed derivative, a new tensor of the shape and dtype of ``x``, which the gradient is multiplied into; None passes
            the gradient unchanged (straight through).
    """
    out: Tensor = _Estimated.apply(x, value, slope)  # type: ignore[no-untyped-call]  # torch leaves apply unannotated
    return out
