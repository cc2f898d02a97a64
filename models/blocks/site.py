"""Where a unit stands in a residual network."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Site:
    """The shape of one residual unit.

    Attributes:
        inputs, outputs: channels.
        stride: of its spatial convolution.
        height, width: of its output.
    """

    inputs: int
    outputs: int
    stride: int
    height: int
    width: int

    @property
    def keeps_shape(self) -> bool:
        """Whether the input itself can be added to the output."""
        return self.stride == 1 and self.inputs == self.outputs

    def next(self) -> Site:
        """A unit behind this one that keeps its shape."""
        return Site(self.outputs, self.outputs, 1, self.height, self.width)
