"""The grids that integers in disguise live on."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Grid:
    """Integers of so many bits times ``2**-fraction``.

    Attributes:
        bits: width of the integer, 2 and up.
        fraction: bits behind the binary point; negative for a step above 1.
        signed: two's complement, all of its range (not narrow), else from 0.
    """

    bits: int
    fraction: int
    signed: bool = True

    @property
    def step(self) -> float:
        """Distance of two neighbours."""
        return 2.0**-self.fraction

    @property
    def low(self) -> int:
        """Least integer."""
        return -(1 << (self.bits - 1)) if self.signed else 0

    @property
    def high(self) -> int:
        """Greatest integer."""
        return (1 << (self.bits - self.signed)) - 1

    def wider(self, bits: int) -> Grid:
        """The same step with more bits."""
        return Grid(self.bits + bits, self.fraction, self.signed)


def covering(magnitude: float, bits: int, *, signed: bool = True) -> Grid:
    """The finest grid of ``bits`` bits whose range, but for one step, reaches ``magnitude``.

    Args:
        magnitude: greatest absolute value to hold; 0 counts as 1.
        bits: width.
        signed: whether there are negative values.
    """
    exponent = math.ceil(math.log2(magnitude)) if magnitude > 0 else 0
    return Grid(bits, bits - signed - exponent, signed)
