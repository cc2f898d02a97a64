"""Scales of binary weights, one per output channel, as Brevitas scaling modules."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from xnorflow.qat.binarisers.gradient import estimated


def mean_magnitude(weight: Tensor) -> Tensor:
    """Mean of ``|w|`` over each output channel: ``(out, ...)`` to ``(out, 1, ...)``."""
    return weight.abs().mean(tuple(range(1, weight.dim())), keepdim=True)


def nearest_power_of_two(scale: Tensor) -> Tensor:
    """``2 ** round(log2(scale))`` of a tensor that is not negative, any shape; 0 of 0."""
    return torch.exp2(torch.log2(scale).round())


class MeanScale(nn.Module):
    """``mean|w|`` per output channel of the (transformed) weights (Rastegari et al. 2016, XNOR-Net); not differentiated."""

    def __init__(self) -> None:
        super().__init__()

    def forward(self, weight: Tensor) -> Tensor:
        """Weights ``(out, ...)`` to scales ``(out, 1, ...)``."""
        return mean_magnitude(weight.detach())


class PowerOfTwoScale(nn.Module):
    """``2 ** round(log2(mean|w|))`` per output channel, a shift in hardware (Qin et al. 2020, IR-Net); not differentiated.

    A channel of zeros has scale 0.
    """

    def __init__(self) -> None:
        super().__init__()

    def forward(self, weight: Tensor) -> Tensor:
        """Weights ``(out, ...)`` to scales ``(out, 1, ...)``."""
        return nearest_power_of_two(mean_magnitude(weight.detach()))


class LearnedScale(nn.Module):
    """One learned factor per output channel, its magnitude is used (XNOR-Net++, ReCU); starts at ``initial``.

    Args:
        scaling_per_output_channel_shape: shape that broadcasts over the weights; Brevitas gives it.
        initial: first value of every factor.
    """

    def __init__(self, scaling_per_output_channel_shape: tuple[int, ...], initial: float = 1.0) -> None:
        super().__init__()
        self.factor = nn.Parameter(torch.full(scaling_per_output_channel_shape, float(initial)))

    def forward(self, weight: Tensor) -> Tensor:
        """The scales ``(out, 1, ...)``, whatever the weights."""
        return self.factor.abs()


class LearnedPowerOfTwoScale(LearnedScale):
    """:class:`LearnedScale` rounded to a power of two, a shift in hardware; the gradient goes straight through the rounding."""

    def forward(self, weight: Tensor) -> Tensor:
        """The scales ``(out, 1, ...)``, whatever the weights."""
        return estimated(super().forward(weight), nearest_power_of_two)
