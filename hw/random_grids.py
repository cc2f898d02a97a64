"""Tensors on power-of-two grids, and the layers that random networks bring them from one grid to another with.

A tensor on a grid holds integers times one power of two, as those of an integerised network do. Bounds of the integers are
kept, so that what is drawn stays below 2^24, where float32 is exact.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from xnorflow.hw.random_writer import Writer

_MOST_BITS = 19  # of a product in front of a bend, so that float32 holds what comes behind it
_MOST_SUM_BITS = 18  # of a sum that is multiplied; wider ones are rounded first


@dataclass(frozen=True)
class Grid:
    """Where the values of a quantised tensor lie.

    Attributes:
        fraction: bits behind the binary point.
        bits: of the integers.
        signed: whether they have a sign, which counts as one of the bits.
    """

    fraction: int
    bits: int
    signed: bool = True


@dataclass(frozen=True)
class GridTensor:
    """A tensor on a grid.

    Attributes:
        name: of the tensor.
        shape: (C, H, W).
        fraction: bits behind the binary point.
        magnitude: bound of its integers.
    """

    name: str
    shape: tuple[int, int, int]
    fraction: int
    magnitude: int

    @property
    def channels(self) -> int:
        """C."""
        return self.shape[0]

    @property
    def pixels(self) -> int:
        """H times W."""
        return self.shape[1] * self.shape[2]


def quantised(w: Writer, x: GridTensor, grid: Grid) -> GridTensor:
    """Round down to a grid and saturate."""
    scale, bits = w.const(2.0**-grid.fraction), w.const(grid.bits)
    name = w.add("Quant", scale, w.const(0.0), bits, source=x.name, signed=int(grid.signed), narrow=0, rounding_mode="FLOOR")
    return GridTensor(name, x.shape, grid.fraction, 1 << (grid.bits - grid.signed))


def on_grid(w: Writer, shape: tuple[int, ...], fraction: int, bits: int) -> str:
    """A constant of integers of so many bits, sign not counted."""
    return w.const(w.rng.integers(-(1 << bits), (1 << bits) + 1, shape) * 2.0**-fraction)


def halved(shape: tuple[int, int, int], stride: int) -> tuple[int, int, int]:
    """A shape behind a zero-padded layer of that stride."""
    return shape[0], -(-shape[1] // stride), -(-shape[2] // stride)


def convolution(w: Writer, x: GridTensor, out: int, *, stride: int = 1, weight_bits: int, kernel: int = 3) -> GridTensor:
    """Integer weights, zero-padded to the image's size (before the stride)."""
    latent = w.const(w.rng.normal(size=(out, x.channels, kernel, kernel)))
    fraction = weight_bits - 2
    weights = w.add("Quant", w.const(2.0**-fraction), w.const(0.0), w.const(weight_bits), source=latent, signed=1, narrow=1, rounding_mode="ROUND")
    pads = [kernel // 2] * 4
    name = w.add("Conv", weights, source=x.name, kernel_shape=[kernel] * 2, strides=[stride] * 2, pads=pads)
    taps = x.channels * kernel**2
    return GridTensor(name, halved((out, *x.shape[1:]), stride), x.fraction + fraction, taps * x.magnitude << (weight_bits - 1))


def affine(w: Writer, x: GridTensor, grid: Grid, *, bends: bool = True) -> GridTensor:
    """A factor and an offset per channel that bring a sum to a grid, sometimes a bend, then the grid's quantiser."""
    x = _narrowed(w, x)
    axes, width = (1, x.channels, 1, 1), x.magnitude.bit_length()
    room = max(1, min(7, _MOST_BITS - width))
    # Factors whose greatest product is a few times the grid's range, which sums seldom come near.
    behind = width + room - grid.bits + grid.fraction - x.fraction - w.pick(1, 2, 3)
    name = w.add("Mul", on_grid(w, axes, behind, room), source=x.name)
    name = w.add("Add", on_grid(w, axes, grid.fraction + w.pick(0, 1, 2), max(0, grid.bits - 3)), source=name)
    result = replace(x, name=name)
    return quantised(w, bend(w, result, grid) if bends and w.chance(0.3) else result, grid)


def _narrowed(w: Writer, x: GridTensor) -> GridTensor:
    """A sum too wide for an exact product, in fewer bits."""
    excess = x.magnitude.bit_length() - _MOST_SUM_BITS
    return quantised(w, x, Grid(x.fraction - excess - 3, _MOST_SUM_BITS - 3)) if excess > 0 else x


def bend(w: Writer, x: GridTensor, grid: Grid) -> GridTensor:
    """PReLU, or RPReLU with shifts before and after that fit a grid; only the name of what comes back is meant."""
    axes, bits = (1, x.channels, 1, 1), max(0, grid.bits - 2)
    shifted, name = w.chance(0.5), x.name
    if shifted:
        name = w.add("Add", on_grid(w, axes, grid.fraction, bits), source=name)
    name = w.add("PRelu", w.const(w.rng.integers(0, 17, axes[1:]) / 16), source=name)
    return replace(x, name=w.add("Add", on_grid(w, axes, grid.fraction, bits), source=name) if shifted else name)


def added(w: Writer, a: GridTensor, b: GridTensor) -> GridTensor:
    """The sum of two tensors on one step, in either order."""
    assert (a.shape, a.fraction) == (b.shape, b.fraction)
    left, right = (a, b) if w.chance(0.5) else (b, a)
    name = w.add("Add", right.name, source=left.name)
    return replace(a, name=name, magnitude=a.magnitude + b.magnitude)
