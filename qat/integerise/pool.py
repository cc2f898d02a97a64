"""Steps that summarise or rearrange pixels."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from torch.nn import functional

from xnorflow.models.blocks.shortcut import average
from xnorflow.qat.integerise.reach import Reach
from xnorflow.qat.integerise.step import Bound, Step

AVERAGE_BITS = 2


class AveragePool(Step):
    """2x2 average of stride 2, exact: its grid has two bits more. An odd edge averages the two pixels or the one there are."""

    def __init__(self) -> None:
        super().__init__()
        self.pool = average(2)

    def forward(self, x: Tensor) -> Tensor:
        """Halve NCHW."""
        out: Tensor = self.pool(x)
        return out

    def bound(self, *ins: Reach) -> Bound:
        (x,) = ins
        return Bound.of(x.on(x.fraction + AVERAGE_BITS))


class MaxPool(Step):
    """Greatest pixel of each window; outside the image nothing counts.

    Args:
        kernel, stride, padding: as in ``torch.nn.MaxPool2d``.
    """

    def __init__(self, kernel: int, stride: int, padding: int) -> None:
        super().__init__()
        self.kernel, self.stride, self.padding = kernel, stride, padding
        self.pool = nn.MaxPool2d(kernel, stride, padding)

    def forward(self, x: Tensor) -> Tensor:
        """Pool NCHW."""
        out: Tensor = self.pool(x)
        return out

    def arguments(self) -> dict[str, Any]:
        return {"kernel": self.kernel, "stride": self.stride, "padding": self.padding}

    def bound(self, *ins: Reach) -> Bound:
        return Bound.of(ins[0])


class GlobalSum(Step):
    """The sum of all pixels, NCHW to ``(N, C, 1, 1)``; whoever reads it divides.

    Args:
        pixels: rows times columns.
    """

    def __init__(self, pixels: int) -> None:
        super().__init__()
        self.pixels = pixels

    def forward(self, x: Tensor) -> Tensor:
        """Sum."""
        return x.sum((2, 3), keepdim=True)

    def arguments(self) -> dict[str, Any]:
        return {"pixels": self.pixels}

    def bound(self, *ins: Reach) -> Bound:
        (x,) = ins
        return Bound.of(Reach(x.low * self.pixels, x.high * self.pixels, x.fraction))


class PadChannels(Step):
    """Every ``stride``-th pixel, and channels of zeros around the ones there are.

    Args:
        front, back: channels in front of and behind those of the input.
        stride: pixels of the input per pixel of the output.
    """

    def __init__(self, front: int, back: int, stride: int) -> None:
        super().__init__()
        self.front, self.back, self.stride = front, back, stride

    def forward(self, x: Tensor) -> Tensor:
        """Subsample and widen NCHW."""
        # A max-pool of one pixel subsamples, and is exported as one node that every reader of pools understands.
        kept = functional.max_pool2d(x, 1, self.stride) if self.stride > 1 else x
        return functional.pad(kept, (0, 0, 0, 0, self.front, self.back))

    def arguments(self) -> dict[str, Any]:
        return {"front": self.front, "back": self.back, "stride": self.stride}

    def bound(self, *ins: Reach) -> Bound:
        (x,) = ins
        low, high = (functional.pad(side, (self.front, self.back)) for side in (x.low, x.high))
        return Bound.of(Reach(low, high, x.fraction))
