"""SumPool: the sum of the taps of a window, per channel; an average is this and a scale."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from xnorflow.errors import BadInputError
from xnorflow.hw.nodes.summing import Summing

if TYPE_CHECKING:
    from xnorflow.hw.graph import StreamType


@dataclass(frozen=True, eq=False, kw_only=True)
class SumPool(Summing):
    """(OH, OW, taps*C) -> (OH, OW, C): reads the windows that a SlidingWindow makes, tap outermost.

    Attributes:
        taps: pixels in a window, KH*KW.
    """

    op = "SumPool"
    taps: int

    def pixels(self, kind: StreamType) -> tuple[int, tuple[int, ...]]:
        if self.taps < 1 or kind.channels % self.taps:
            raise BadInputError(f"node {self.name}: windows of {kind.channels} elements are not {self.taps} taps of equal size")
        return self.taps, (*kind.shape[:-1], kind.channels // self.taps)
