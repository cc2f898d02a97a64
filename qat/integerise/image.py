"""The first step: integers from the normalised image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from xnorflow.pixels import PixelNorm
from xnorflow.qat.brevitas import QuantIdentity
from xnorflow.qat.integerise.grid import Grid
from xnorflow.qat.integerise.quantisers import grid_activation
from xnorflow.qat.integerise.reach import Reach
from xnorflow.qat.integerise.step import Bound, Step

PIXEL_BITS = 8
HALF_RANGE = 1 << (PIXEL_BITS - 1)


class ImageCodes(Step):
    """Normalised pixels to integers: ``quant(x * factor + offset)``, or ``quant(x)``; the only step whose input is on no grid.

    Of eight bits, the integers are ``pixel - zero`` with one ``zero`` per channel: no bit of the image is lost. This quantiser rounds half
    to even, as those of the chain networks do; the sum in front of it is never near a half there.

    Args:
        channels: of the image.
        bits, fraction: of the signed result.
        moved: whether there are a factor and an offset per channel.
    """

    factor: Tensor
    offset: Tensor

    def __init__(self, channels: int, bits: int, fraction: int, moved: bool) -> None:
        super().__init__()
        self.channels, self.grid, self.moved = channels, Grid(bits, fraction), moved
        self.quant = QuantIdentity(act_quant=grid_activation(self.grid, nearest=True))
        if moved:
            self.register_buffer("factor", torch.ones(1, channels, 1, 1))
            self.register_buffer("offset", torch.zeros(1, channels, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """NCHW to NCHW."""
        if self.moved:
            product = x * self.factor
            x = product + self.offset
        out: Tensor = self.quant(x)
        return out

    def arguments(self) -> dict[str, Any]:
        return {"channels": self.channels, "bits": self.grid.bits, "fraction": self.grid.fraction, "moved": self.moved}

    def bound(self, *ins: Reach) -> Bound:
        return Bound.of(Reach.uniform(self.grid.low, self.grid.high, self.channels, self.grid.fraction))


@dataclass(frozen=True, eq=False)
class ImagePlan:
    """How an image becomes integers, and what they mean.

    Attributes:
        step: makes the codes ``v = (pixel - zero) / 128``.
        scale: float64 ``(C,)``; ``scale * (v + shift)`` is the normalised pixel.
        shift: float64 ``(C,)``, at most half a pixel.
    """

    step: ImageCodes
    scale: Tensor
    shift: Tensor


def plan_image(norm: PixelNorm, channels: int, bits: int = PIXEL_BITS) -> ImagePlan:
    """Choose the codes of the images of one normalisation.

    Args:
        norm: of the pixels.
        channels: of an image.
        bits: kept of the 8 of a pixel.
    """
    pixel = 1 / np.float64(norm.scale)
    mean = torch.tensor(np.broadcast_to(np.asarray(norm.mean or (0.0,), np.float64), channels) * pixel)
    std = torch.tensor(np.broadcast_to(np.asarray(norm.std or (1.0,), np.float64), channels) * pixel)
    zero = mean.round()
    unit = 2.0 ** (PIXEL_BITS - bits)
    low, high = float((-zero / unit).round().min()), float(((255 - zero) / unit).round().max())
    width = 2
    while not (low >= Grid(width, 0).low and high <= Grid(width, 0).high):
        width += 1
    scale, shift = HALF_RANGE / std, (zero - mean) / HALF_RANGE
    plain = ImageCodes(channels, width, bits - 1, moved=False)
    pixels = np.repeat(np.arange(256)[:, None], channels, axis=1)
    table = torch.from_numpy(norm.apply(pixels)).T.reshape(1, channels, 256, 1)
    wanted = ((torch.arange(256.0) - zero.float()[:, None]) / HALF_RANGE).reshape(1, channels, 256, 1)
    if bits == PIXEL_BITS and torch.equal(plain(table), wanted):
        return ImagePlan(plain, torch.ones_like(scale), torch.zeros_like(shift))
    moved = ImageCodes(channels, width, bits - 1, moved=True)
    moved.factor.copy_((1 / scale).reshape(moved.factor.shape))
    moved.offset.copy_(-shift.reshape(moved.offset.shape))
    assert bits != PIXEL_BITS or torch.equal(moved(table), wanted)
    return ImagePlan(moved, scale, shift)
