"""Latent weights kept within a range (straight-through training, mirror descent)."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from xnorflow.errors import BadInputError


@dataclass(frozen=True)
class LatentClip:
    """``w <- clamp(w, -limit, limit)`` (Courbariaux et al. 2016): beyond the limit a latent could only lose its way back.

    With the sign and a straight-through gradient this is latent-weight STE; with
    :class:`~xnorflow.qat.binarisers.tanh_anneal.TanhAnneal` it is binary mirror descent.
    """

    limit: float = 1.0

    def __post_init__(self) -> None:
        if not self.limit > 0:
            raise BadInputError(f"latent limit {self.limit} is not positive")

    def set_epoch(self, epoch: int, epochs: int) -> None:
        """Nothing: the limit is constant."""

    def apply(self, weight: Tensor, lr: float) -> None:
        """Clamp ``weight`` in place."""
        weight.clamp_(-self.limit, self.limit)
