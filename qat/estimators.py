"""Binarisers: sign forward (+1 at zero, and at minus zero), an estimator of its gradient backward."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from xnorflow.errors import BadInputError
from xnorflow.qat.binarisers.gradient import estimated


def sign(x: Tensor) -> Tensor:
    """+1 where ``x >= 0``, else -1, in the dtype of ``x``; unlike ``torch.sign`` it never gives 0. No gradient flows through it."""
    if torch.compiler.is_compiling():
        return torch.where(x >= 0, 1.0, -1.0).to(x.dtype)  # one fused loop there
    # On a processor the three vectorised passes take a tenth of the time of torch.where.
    return torch.ge(x.detach(), 0, out=torch.empty_like(x, requires_grad=False)).mul_(2).sub_(1)


class SteSign(nn.Module):
    """Straight-through estimator with clip: the gradient passes where ``|x| <= clip`` (Hubara et al. 2016).

    Args:
        clip: half-width of the window, 1 by default; BNext uses 1.5, larq's QuickNet 1.25.
    """

    def __init__(self, clip: float = 1.0) -> None:
        super().__init__()
        if not clip > 0:
            raise BadInputError(f"estimator ste: clip {clip} is not positive")
        self.clip = clip

    def forward(self, x: Tensor) -> Tensor:
        """Sign of ``x``, any shape."""
        return estimated(x, sign, self.slope)

    def slope(self, x: Tensor) -> Tensor:
        """The assumed derivative at ``x``, any shape."""
        size = x.abs()
        return torch.le(size, self.clip, out=size)


class ApproxSign(nn.Module):
    """Piecewise quadratic estimator: the gradient is ``max(0, 2 - 2|x|)`` (Liu et al. 2018, Bi-Real Net)."""

    def __init__(self) -> None:
        super().__init__()

    def forward(self, x: Tensor) -> Tensor:
        """Sign of ``x``, any shape."""
        return estimated(x, sign, self.slope)

    def slope(self, x: Tensor) -> Tensor:
        """The assumed derivative at ``x``, any shape."""
        return x.abs().mul_(-2).add_(2).clamp_(min=0)
