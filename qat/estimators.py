"""Binarisers: sign forward (+1 at zero, and at minus zero), an estimator of its gradient backward."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from xnorflow.errors import BadInputError
from xnorflow.qat.binarisers.gradient import estimated


def sign(x: Tensor) -> Tensor:
    """+1 where ``x >= 0``, else -1, in the dtype of ``x``; unlike ``torch.sign`` it never gives 0."""
    return torch.where(x >= 0, 1.0, -1.0).to(x.dtype)


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
        return estimated(x, sign, lambda v: v.abs() <= self.clip)


class ApproxSign(nn.Module):
    """Piecewise quadratic estimator: the gradient is ``max(0, 2 - 2|x|)`` (Liu et al. 2018, Bi-Real Net)."""

    def __init__(self) -> None:
        super().__init__()

    def forward(self, x: Tensor) -> Tensor:
        """Sign of ``x``, any shape."""
        return estimated(x, sign, lambda v: (2 - 2 * v.abs()).clamp_(min=0))
