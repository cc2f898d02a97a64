"""Proximal operators that draw weights to their signs (ProxQuant)."""

from __future__ import annotations

from torch import Tensor

from xnorflow.errors import BadInputError
from xnorflow.qat.estimators import sign
from xnorflow.qat.optim.strength import Strength

NORMS = ("l1", "l2")


class ProxQuant:
    """After the optimiser's step, the proximal operator of the distance to ``sign(w)`` (Bai et al. 2019, ProxQuant).

    ``l1``: ``w`` moves toward its sign by ``s`` and stops there, ``w + clamp(sign(w) - w, -s, s)``.
    ``l2``: ``(w + s * sign(w)) / (1 + s)``. Both are strongest near zero, where BNEW is weakest.

    Args:
        strength: ``lambda``, its ramp (linear in the epoch) and coupling.
        norm: ``l1`` or ``l2``.
    """

    def __init__(self, strength: Strength, norm: str = "l1") -> None:
        if norm not in NORMS:
            raise BadInputError(f"proxquant norm {norm!r} is not known; known are {', '.join(NORMS)}")
        self.strength = strength
        self.norm = norm

    def set_epoch(self, epoch: int, epochs: int) -> None:
        """Say that epoch ``epoch`` (0 first) of ``epochs`` begins."""
        self.strength.set_epoch(epoch, epochs)

    def apply(self, weight: Tensor, lr: float) -> None:
        """Move ``weight`` in place."""
        s = self.strength.at(lr)
        target = sign(weight)
        if self.norm == "l1":
            weight.add_((target - weight).clamp_(-s, s))
        else:
            weight.add_(target, alpha=s).div_(1 + s)
