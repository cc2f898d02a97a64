"""Error-decay estimator (IR-Net)."""

from __future__ import annotations

import torch
from torch import Tensor

from xnorflow.qat.binarisers.gradient import estimated
from xnorflow.qat.binarisers.schedule import Scheduled, check_exponents
from xnorflow.qat.estimators import sign


class EdeSign(Scheduled):
    """Sign with the gradient ``k * t * (1 - tanh(t * x)**2)`` (Qin et al. 2020, IR-Net), for weights and activations.

    ``t`` goes log-linearly from ``10**low`` to ``10**high`` over the training and ``k = max(1 / t, 1)``: first near the
    identity, at the end near the sign.

    Args:
        low, high: decimal exponents of ``t`` at the start and at the end; -2 and 1 in the paper, -3 and 1 in some scripts.
    """

    t: Tensor
    k: Tensor

    def __init__(self, low: float = -2.0, high: float = 1.0) -> None:
        super().__init__()
        check_exponents("ede", low, high)
        self.low, self.high = low, high
        self.register_buffer("t", torch.tensor(10.0**low))
        self.register_buffer("k", torch.tensor(max(10.0**-low, 1.0)))

    def set_epoch(self, epoch: float, epochs: int) -> None:
        t = 10.0 ** (self.low + (self.high - self.low) * epoch / epochs)
        self.t.fill_(t)
        self.k.fill_(max(1 / t, 1.0))

    def slope(self, x: Tensor) -> Tensor:
        """The assumed derivative at ``x``, any shape."""
        return self.k * self.t * (1 - torch.tanh(self.t * x).square())

    def forward(self, x: Tensor) -> Tensor:
        """Sign of ``x``, any shape."""
        return estimated(x, sign, self.slope)
