"""Weights by annealed tanh: binary mirror descent's map from the dual to the primal (BMD)."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from xnorflow.errors import BadInputError
from xnorflow.qat.binarisers.gradient import estimated
from xnorflow.qat.binarisers.schedule import Scheduled
from xnorflow.qat.estimators import sign

BETA_LIMIT = 1e35


class TanhAnneal(Scheduled):
    """``tanh(beta * w)`` forward, the gradient straight to the latent ``w`` (Ajanthan et al. 2021, mirror descent with the tanh map).

    The latent is the dual variable: the gradient at ``tanh(beta * w)`` is applied to ``w`` itself, which is then clipped to
    [-1, 1] (``xnorflow.qat.optim.rules.LatentClip``). ``beta`` rises exponentially from 1, and from ``hard_at`` of the epochs on
    the value is the sign. Evaluation always uses the sign.

    Args:
        beta_end: ``beta`` when the weights harden; it must be far above 1, whatever the number of epochs.
        hard_at: share of the epochs after which the weights are signs.
        rate: 0 for ``beta_end``; else the published factor of ``beta`` per epoch (1.003 to 1.3), limited to 1e35.
    """

    beta: Tensor
    hard: Tensor

    def __init__(self, beta_end: float = 1e3, hard_at: float = 0.9, rate: float = 0.0) -> None:
        super().__init__()
        if not (1 < beta_end < math.inf and 0 < hard_at <= 1 and (rate == 0 or 1 < rate < math.inf)):
            raise BadInputError(
                f"weights tanh: beta_end {beta_end}, hard_at {hard_at}, rate {rate}; finite above 1, in (0, 1], and 0 or finite above 1 are accepted"
            )
        self.beta_end, self.hard_at, self.rate = beta_end, hard_at, rate
        self.register_buffer("beta", torch.tensor(1.0))
        self.register_buffer("hard", torch.tensor(False))

    def set_epoch(self, epoch: float, epochs: int) -> None:
        exponent = epoch * math.log(self.rate) if self.rate else epoch / (self.hard_at * epochs) * math.log(self.beta_end)
        self.beta.fill_(math.exp(min(exponent, math.log(BETA_LIMIT))))
        self.hard.fill_(epoch >= self.hard_at * epochs)

    def softness(self) -> str | None:
        if bool(self.hard):
            return None
        return f"its weights are tanh({float(self.beta):.4g} * w), which become signs after {self.hard_at:.0%} of the epochs"

    def value(self, w: Tensor) -> Tensor:
        """What the forward pass gives in training, any shape."""
        return torch.where(self.hard, sign(w), torch.tanh(self.beta * w))

    def forward(self, w: Tensor) -> Tensor:
        """Soft weights in training, signs in evaluation; any shape."""
        return estimated(w, self.value if self.training else sign)
