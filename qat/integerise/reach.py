"""Which integers a tensor can hold, whatever the image: the bound that keeps float32 exact."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

EXACT = 1 << 24


@dataclass(frozen=True, eq=False)
class Reach:
    """Integers times ``2**-fraction``, between two bounds per channel.

    Attributes:
        low, high: float64 ``(C,)``, integers.
        fraction: bits behind the binary point.
    """

    low: Tensor
    high: Tensor
    fraction: int

    @classmethod
    def uniform(cls, low: int, high: int, channels: int, fraction: int) -> Reach:
        """The same bounds in all channels."""
        full = torch.ones(channels, dtype=torch.float64)
        return cls(low * full, high * full, fraction)

    @property
    def magnitude(self) -> Tensor:
        """Greatest absolute integer of each channel."""
        return torch.maximum(self.low.abs(), self.high.abs())

    @property
    def worst(self) -> float:
        """Greatest absolute integer."""
        return float(self.magnitude.max())

    @property
    def channels(self) -> int:
        """How many."""
        return len(self.low)

    def on(self, fraction: int) -> Reach:
        """The same values as multiples of a finer step."""
        assert fraction >= self.fraction
        factor = 2.0 ** (fraction - self.fraction)
        return Reach(self.low * factor, self.high * factor, fraction)
