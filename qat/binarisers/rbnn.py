"""Training-aware approximation of the sign (RBNN)."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from xnorflow.qat.binarisers.gradient import estimated
from xnorflow.qat.binarisers.schedule import Scheduled, check_exponents
from xnorflow.qat.estimators import sign


class RbnnSign(Scheduled):
    """Sign with the gradient ``k * max(0, sqrt(2) * t - t**2 * |x|)`` (Lin et al. 2020, RBNN).

    ``t`` goes log-linearly from ``10**low`` to ``10**high``. Weights use ``k = max(1 / t, 1)``; activations ``k = 1`` with ``t`` never
    below 1. Only the estimator: RBNN's rotation of the weights is :class:`~xnorflow.qat.binarisers.rotation.Rotation`.

    Args:
        low, high: decimal exponents of ``t`` at the start and at the end; -2 and 1 in the paper.
        activation: use the activations' constants.
    """

    t: Tensor
    k: Tensor

    def __init__(self, low: float = -2.0, high: float = 1.0, activation: bool = False) -> None:
        super().__init__()
        check_exponents("rbnn", low, high)
        self.low, self.high = low, high
        self.activation = activation
        self.register_buffer("t", torch.tensor(0.0))
        self.register_buffer("k", torch.tensor(0.0))
        self.set_epoch(0, 1)

    def set_epoch(self, epoch: float, epochs: int) -> None:
        t = 10.0 ** (self.low + (self.high - self.low) * epoch / epochs)
        self.t.fill_(max(t, 1.0) if self.activation else t)
        self.k.fill_(1.0 if self.activation else max(1 / t, 1.0))

    def slope(self, x: Tensor) -> Tensor:
        """The assumed derivative at ``x``, any shape."""
        return self.k * (math.sqrt(2) * self.t - self.t.square() * x.abs()).clamp(min=0)

    def forward(self, x: Tensor) -> Tensor:
        """Sign of ``x``, any shape."""
        return estimated(x, sign, self.slope)
