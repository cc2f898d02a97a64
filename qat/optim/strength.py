"""How strong a weight rule is: a rate, its ramp over the epochs, and whether the learning rate multiplies it."""

from __future__ import annotations

import math

from xnorflow.errors import BadInputError

COUPLINGS = ("eta", "none")
RAMPS = ("epoch", "share")


class Strength:
    """``lambda`` of an epoch, times the learning rate if coupled.

    The same number means very different strengths under the different conventions, so they are named.

    Args:
        rate: of the ramp.
        coupling: ``eta``, the rule's strength is ``lambda * lr`` (the papers); ``none``, it is ``lambda`` (public code).
        ramp: ``epoch``, ``lambda = rate * epoch`` (the papers); ``share``, ``lambda = rate * (epoch + 1) / epochs`` (public code).
    """

    def __init__(self, rate: float, coupling: str = "eta", ramp: str = "epoch") -> None:
        if not 0 <= rate < math.inf:
            raise BadInputError(f"rate {rate} is negative or not finite")
        if coupling not in COUPLINGS:
            raise BadInputError(f"coupling {coupling!r} is not known; known are {', '.join(COUPLINGS)}")
        if ramp not in RAMPS:
            raise BadInputError(f"ramp {ramp!r} is not known; known are {', '.join(RAMPS)}")
        self.rate, self.coupling, self.ramp = rate, coupling, ramp
        self.factor = 0.0
        self.set_epoch(0, 1)

    def set_epoch(self, epoch: int, epochs: int) -> None:
        """Say that epoch ``epoch`` (0 first) of ``epochs`` begins."""
        self.factor = self.rate * (epoch if self.ramp == "epoch" else (epoch + 1) / epochs)

    def at(self, lr: float) -> float:
        """Strength of a step with learning rate ``lr``."""
        return self.factor * lr if self.coupling == "eta" else self.factor
