"""What a network of integers is made of: steps that know which integers they can make."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from xnorflow.qat.integerise.reach import Reach


@dataclass(frozen=True, eq=False)
class Bound:
    """What a step can make.

    Attributes:
        out: its result.
        worst: greatest absolute integer among the result and everything on the way to it, each counted in its own finest step.
    """

    out: Reach
    worst: float

    @classmethod
    def of(cls, out: Reach) -> Bound:
        """A step without intermediate values."""
        return cls(out, out.worst)


class Step(nn.Module):
    """One operation on float32 tensors that hold integers times a power of two.

    Subclasses implement ``forward`` and :meth:`bound`; their constructor takes plain values, which :meth:`arguments` gives back.
    """

    def arguments(self) -> dict[str, Any]:
        """Constructor arguments as plain types, enough to rebuild the step around its saved tensors."""
        return {}

    def bound(self, *ins: Reach) -> Bound:
        """What the step makes of inputs within ``ins``."""
        raise NotImplementedError


class OnGrid(nn.Module):
    """A constant on the grid ``2**-fraction``: trainable, rounded straight-through while it is trained.

    Args:
        shape: of the tensor.
        fraction: bits behind the binary point.
    """

    def __init__(self, shape: tuple[int, ...], fraction: int) -> None:
        super().__init__()
        self.fraction = fraction
        self.value = nn.Parameter(torch.zeros(shape))

    def forward(self) -> Tensor:
        """The constant."""
        if not self.training:
            return self.value
        return self.value + (self._rounded(self.value) - self.value).detach()

    def set(self, values: Tensor) -> None:
        """Take float64 values, rounded to the grid."""
        with torch.no_grad():
            self.value.copy_(self._rounded(values.double()).reshape(self.value.shape))

    def snap(self) -> None:
        """Round what training left between two points of the grid."""
        self.set(self.value.detach())

    @property
    def integers(self) -> Tensor:
        """The constant times ``2**fraction``, float64."""
        return self.value.detach().double() * 2.0**self.fraction

    @property
    def exact(self) -> bool:
        """Whether every value is finite and on the grid."""
        integers = self.integers
        return bool(torch.isfinite(integers).all()) and torch.equal(integers, integers.round())

    def _rounded(self, values: Tensor) -> Tensor:
        return torch.round(values * 2.0**self.fraction) * 2.0**-self.fraction
