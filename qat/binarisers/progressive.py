"""Progressive weight binarisation (BNext)."""

from __future__ import annotations

import torch
from torch import Tensor

from xnorflow.errors import BadInputError
from xnorflow.qat.binarisers.gradient import estimated
from xnorflow.qat.binarisers.schedule import Scheduled, hardening_epoch, scaled_gamma
from xnorflow.qat.estimators import sign

LATENT_LIMIT = 1.5


class ProgressiveSign(Scheduled):
    """``clamp(w / T, -1, 1)`` while ``T >= threshold``, then the sign; the gradient goes straight to ``w`` (Guo et al. 2023, BNext).

    ``T`` starts at 1 and is multiplied by gamma after each epoch. The published gamma of 0.9 hardens after 153 epochs, so that a
    shorter training would never make a binary network; here gamma follows the epochs, ``threshold ** (1 / (hard_at * epochs))``.
    Latents start as N(0, 1e-3**2) and are clamped to +-1.5 after each step. Evaluation always uses the sign.

    Args:
        threshold: 1e-7 in BNext, 1e-5 in BNext-18.
        hard_at: share of the epochs at which ``T`` reaches the threshold, 0.3 to 0.5.
        gamma: 0 to follow the epochs, else the factor per epoch.
    """

    temperature: Tensor

    def __init__(self, threshold: float = 1e-7, hard_at: float = 0.4, gamma: float = 0.0) -> None:
        super().__init__()
        scaled_gamma(threshold, hard_at, 1)
        if not 0 <= gamma < 1:
            raise BadInputError(f"weights progressive: gamma {gamma} is not in [0, 1)")
        self.threshold, self.hard_at, self.gamma = threshold, hard_at, gamma
        self.register_buffer("temperature", torch.tensor(1.0))

    def set_epoch(self, epoch: float, epochs: int) -> None:
        gamma = self.gamma or scaled_gamma(self.threshold, self.hard_at, epochs)
        self.temperature.fill_(gamma**epoch)

    def softness(self) -> str | None:
        temperature = float(self.temperature)
        if bool(self.temperature < self.threshold):
            return None
        advice = f"gamma {self.gamma} takes {hardening_epoch(self.threshold, self.gamma)} epochs" if self.gamma else "train to the end"
        return f"its weights' temperature is {temperature:.2g}, not below {self.threshold:.2g}; {advice}"

    def value(self, w: Tensor) -> Tensor:
        """What the forward pass gives in training, any shape."""
        return torch.where(self.temperature < self.threshold, sign(w), (w / self.temperature).clamp(-1, 1))

    def forward(self, w: Tensor) -> Tensor:
        """Soft weights in training, signs in evaluation; any shape."""
        return estimated(w, self.value if self.training else sign)
