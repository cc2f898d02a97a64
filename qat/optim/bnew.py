"""The concave regulariser with projection (BNEW)."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import torch
from torch import Tensor

from xnorflow.errors import BadInputError
from xnorflow.qat.estimators import sign
from xnorflow.qat.optim.strength import Strength
from xnorflow.qat.regularise.metrics import NEAR_ONE, near_one_share
from xnorflow.qat.scales import mean_magnitude

BINARY_SHARE = 0.99


class NotBinaryWarning(UserWarning):
    """Weights were made binary that were not near it, which costs accuracy."""


class Bnew:
    """``w <- clamp((w - step) / (1 - 2 * s), -1, 1)`` with ``s = lambda * lr`` (BNEW, Eq. 12), applied after the optimiser's step.

    It minimises ``-lambda * |w|**2`` on the box, so weights are driven to -1 and +1 with a force proportional to
    themselves. ``lambda`` 0 is the clipped pre-training of phase 1.

    Args:
        strength: ``lambda``, its ramp and coupling.
        exact: divide by ``1 - 2 * s``, which needs ``2 * s < 1``; else multiply by ``1 + 2 * s``, the first-order form.
    """

    def __init__(self, strength: Strength, exact: bool = False) -> None:
        self.strength = strength
        self.exact = exact

    def set_epoch(self, epoch: int, epochs: int) -> None:
        """Say that epoch ``epoch`` (0 first) of ``epochs`` begins."""
        self.strength.set_epoch(epoch, epochs)

    def apply(self, weight: Tensor, lr: float) -> None:
        """Scale and clamp ``weight`` in place."""
        doubled = 2 * self.strength.at(lr)
        if self.exact and doubled >= 1:
            raise BadInputError(f"bnew: 2 * lambda * lr is {doubled:.3g}; the exact update needs it below 1, the approximate one does not")
        weight.mul_(1 / (1 - doubled) if self.exact else 1 + doubled).clamp_(-1.0, 1.0)


def freeze_signs(weights: Sequence[Tensor], *, keep_mean: bool = False) -> float:
    """Phase 3: set each weight to its sign and stop its training (no gradient, hence no momentum and no decay either).

    Args:
        weights: of each layer, ``(out, ...)``.
        keep_mean: set them to their sign times the mean magnitude of their filter, as the public code does.

    Returns:
        The share of weights that had ``|w| > 0.99`` before.

    Warns:
        NotBinaryWarning: the share is below 0.99; a longer or stronger ramp would be better.
    """
    share = near_one_share(weights)
    if share < BINARY_SHARE:
        warnings.warn(
            f"only {share:.1%} of the weights are binary (|w| > {NEAR_ONE}) before the freeze, {BINARY_SHARE:.0%} are advised: "
            "ramp on (method.harden_by), or raise the rate",
            NotBinaryWarning,
            stacklevel=2,
        )
    with torch.no_grad():
        for weight in weights:
            weight.copy_(sign(weight) * mean_magnitude(weight) if keep_mean else sign(weight))
            weight.requires_grad_(False)
            weight.grad = None
    return share
