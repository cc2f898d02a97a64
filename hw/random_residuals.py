"""Random small residual QONNX networks, the same for the same seed: branches that fork, bend, halve the image and meet.

Every tensor lies on a power-of-two grid, as those of an integerised network do, so the file's float32 results are exact.
Drawn are: blocks with plain, averaged, weighted, strided and channel-padded shortcuts, one to three branches, binary and
few-bit convolutions with all paddings, shifts in front of signs and negative factors, PReLU and RPReLU before and behind a sum,
sums that are quantised again, on another grid, or not at all, one fork read by several blocks, and odd shapes.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from xnorflow.hw.random_writer import Writer

if TYPE_CHECKING:
    from xnorflow.hw.chain import AnyArray

_CHANNELS = (1, 2, 3, 4, 6, 8)
_MOST_BITS = 19  # of a product in front of a bend, so that float32 holds what comes behind it


@dataclass(frozen=True)
class _Stream:
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


def draw_residual(seed: int | np.random.Generator) -> Any:
    """Draw one network.

    Args:
        seed: a number, or a generator to draw from.

    Returns:
        An ``onnx.ModelProto`` with batch 1, an input of at most 9x9 pixels, at most 16 channels, 2 to 5 classes.
    """
    w = Writer(np.random.default_rng(seed), exact=True)
    w.opset = w.pick(13, 17)
    w.input_shape = w.shape = (w.pick(1, 2, 3), int(w.rng.integers(4, 10)), int(w.rng.integers(4, 10)))
    grid = int(w.rng.integers(1, 5)), int(w.rng.integers(5, 11))
    x = _stem(w, grid)
    for _ in range(int(w.rng.integers(1, 4))):
        x = _block(w, x, grid)
    _head(w, x)
    return w.model()


def _quant(w: Writer, source: str, shape: tuple[int, int, int], fraction: int, bits: int, *, signed: bool = True) -> _Stream:
    scale, width = w.const(2.0**-fraction), w.const(bits)
    name = w.add("Quant", scale, w.const(0.0), width, source=source, signed=int(signed), narrow=0, rounding_mode="FLOOR")
    return _Stream(name, shape, fraction, 1 << (bits - signed))


def _on_grid(w: Writer, shape: tuple[int, ...], fraction: int, bits: int) -> str:
    """A constant of integers of so many bits, sign not counted."""
    return w.const(w.rng.integers(-(1 << bits), (1 << bits) + 1, shape) * 2.0**-fraction)


def _stem(w: Writer, grid: tuple[int, int]) -> _Stream:
    bits = w.pick(4, 8)
    pixels = w.add("Quant", w.const(2.0**-bits), w.const(0.0), w.const(bits), signed=0, narrow=0, rounding_mode="ROUND")
    image = _Stream(pixels, (w.shape[0], w.shape[1], w.shape[2]), bits, 1 << bits)
    x = _convolution(w, image, w.pick(*_CHANNELS), stride=1, weight_bits=w.pick(2, 5, 8))
    return _affine(w, x, *grid)


def _convolution(w: Writer, x: _Stream, out: int, stride: int, weight_bits: int, kernel: int = 3) -> _Stream:
    """Integer weights, zero-padded to the image's size (before the stride)."""
    latent = w.const(w.rng.normal(size=(out, x.shape[0], kernel, kernel)))
    fraction = weight_bits - 2
    weights = w.add("Quant", w.const(2.0**-fraction), w.const(0.0), w.const(weight_bits), source=latent, signed=1, narrow=1, rounding_mode="ROUND")
    pads = [kernel // 2] * 4
    name = w.add("Conv", weights, source=x.name, kernel_shape=[kernel] * 2, strides=[stride] * 2, pads=pads)
    taps = x.shape[0] * kernel**2
    return _Stream(name, _halved((out, *x.shape[1:]), stride), x.fraction + fraction, taps * x.magnitude << (weight_bits - 1))


def _halved(shape: tuple[int, int, int], stride: int) -> tuple[int, int, int]:
    return shape[0], -(-shape[1] // stride), -(-shape[2] // stride)


def _affine(w: Writer, x: _Stream, fraction: int, bits: int) -> _Stream:
    """A factor and an offset per channel that bring a sum to a grid, sometimes a bend, then the grid's quantiser."""
    axes, width = (1, x.shape[0], 1, 1), x.magnitude.bit_length()
    room = max(1, min(7, _MOST_BITS - width))
    # Factors whose greatest product is a few times the grid's range, which sums seldom come near.
    behind = width + room - bits + fraction - x.fraction - w.pick(1, 2, 3)
    name = w.add("Mul", _on_grid(w, axes, behind, room), source=x.name)
    name = w.add("Add", _on_grid(w, axes, fraction + w.pick(0, 1, 2), bits - 3), source=name)
    if w.chance(0.3):
        name = _bend(w, name, x.shape[0], fraction, bits)
    return _quant(w, name, x.shape, fraction, bits)


def _bend(w: Writer, name: str, channels: int, fraction: int, bits: int) -> str:
    """PReLU, or RPReLU with shifts before and after."""
    shifted = w.chance(0.5)
    if shifted:
        name = w.add("Add", _on_grid(w, (1, channels, 1, 1), fraction, bits - 2), source=name)
    name = w.add("PRelu", w.const(w.rng.integers(0, 17, (channels, 1, 1)) / 16), source=name)
    return w.add("Add", _on_grid(w, (1, channels, 1, 1), fraction, bits - 2), source=name) if shifted else name


def _block(w: Writer, x: _Stream, grid: tuple[int, int]) -> _Stream:
    """One to three branches that meet."""
    fraction, bits = grid
    stride = w.pick(1, 1, 2) if min(x.shape[1:]) >= 4 else 1
    out = x.shape[0] if stride == 1 and w.chance(0.7) else min(16, x.shape[0] * w.pick(1, 2))
    total = _branch(w, x, out, stride, grid)
    for other in range(w.pick(1, 1, 2)):
        side = _shortcut(w, x, out, stride, grid) if other == 0 else _branch(w, x, out, stride, grid)
        name = w.add("Add", side.name, source=total.name) if w.chance(0.5) else w.add("Add", total.name, source=side.name)
        total = _Stream(name, total.shape, fraction, total.magnitude + side.magnitude)
    ending = w.pick("same grid", "same grid", "bend", "other grid", "none")
    if ending == "none" and total.magnitude < 1 << 13:
        return total
    name = _bend(w, total.name, out, fraction, bits) if ending == "bend" else total.name
    return _quant(w, name, total.shape, fraction, bits) if ending != "other grid" else _back(w, total, grid)


def _back(w: Writer, total: _Stream, grid: tuple[int, int]) -> _Stream:
    """A coarser grid and back to the stream's own, which later sums are on."""
    coarse = _quant(w, total.name, total.shape, grid[0] - 1, grid[1] - 1)
    return _quant(w, w.add("Mul", w.const(1.0), source=coarse.name), total.shape, *grid)


def _branch(w: Writer, x: _Stream, out: int, stride: int, grid: tuple[int, int]) -> _Stream:
    axes = (1, x.shape[0], 1, 1)
    if w.chance(0.2):
        few = _quant(w, x.name, x.shape, x.fraction - 2, w.pick(2, 3, 4))
        return _affine(w, _convolution(w, few, out, stride, w.pick(2, 4)), *grid)
    name = x.name
    if w.chance(0.2):
        name = w.add("Mul", w.const(w.rng.integers(-1, 2, axes)), source=name)
    if w.chance(0.7):
        name = w.add("Add", _on_grid(w, axes, x.fraction, 6), source=name)
    signs = w.add("BipolarQuant", w.const(1.0), source=name)
    value, pads = w.pick(-1.0, 1.0, 0.0), [1] * 4
    if value:
        signs = w.add("Pad", w.const([0, 0, 1, 1, 0, 0, 1, 1], np.int64), w.const(value), source=signs, mode="constant")
        pads = [0] * 4
    weights = w.add("BipolarQuant", w.const(1.0), source=w.const(w.rng.normal(size=(out, x.shape[0], 3, 3))))
    sums = w.add("Conv", weights, source=signs, kernel_shape=[3, 3], strides=[stride] * 2, pads=pads)
    return _affine(w, _Stream(sums, _halved((out, *x.shape[1:]), stride), 0, 9 * x.shape[0]), *grid)


def _shortcut(w: Writer, x: _Stream, out: int, stride: int, grid: tuple[int, int]) -> _Stream:
    """What passes a branch: the stream itself where it fits."""
    if stride == 1 and out == x.shape[0] and x.fraction == grid[0]:
        return x
    even = not any(size % 2 for size in x.shape[1:])
    if out > x.shape[0] and w.chance(0.4):
        return _more_channels(w, x, out, stride)
    if stride == 2 and even and w.chance(0.5):
        name = w.add("AveragePool", source=x.name, kernel_shape=[2, 2], strides=[2, 2])
        x, stride = _Stream(name, _halved(x.shape, 2), x.fraction + 2, 4 * x.magnitude), 1
    return _affine(w, _convolution(w, x, out, stride, w.pick(3, 8), kernel=1), *grid)


def _more_channels(w: Writer, x: _Stream, out: int, stride: int) -> _Stream:
    """Every stride-th pixel, and channels of zeros."""
    name = w.add("MaxPool", source=x.name, kernel_shape=[1, 1], strides=[stride] * 2) if stride > 1 else x.name
    front = int(w.rng.integers(0, out - x.shape[0] + 1))
    pads = [0, front, 0, 0, 0, out - x.shape[0] - front, 0, 0]
    name = w.add("Pad", w.const(pads, np.int64), w.const(0.0), source=name, mode="constant")
    return _Stream(name, _halved((out, *x.shape[1:]), stride), x.fraction, x.magnitude)


def _head(w: Writer, x: _Stream) -> None:
    pixels = x.shape[1] * x.shape[2]
    style = w.pick("sum", "mean", "flat") if pixels & (pixels - 1) == 0 else w.pick("sum", "flat")
    name = x.name
    if style == "sum":
        name = w.add("ReduceSum", w.const([2, 3], np.int64), source=name, keepdims=1)
    elif style == "mean":
        name = w.add("GlobalAveragePool", source=name)
    if style != "flat":
        total = _Stream(name, (x.shape[0], 1, 1), x.fraction + (style == "mean") * pixels.bit_length() - (style == "mean"), x.magnitude * pixels)
        x = _affine(w, total, 3, 8) if w.chance(0.7) else total
    w.tensor = w.add("Flatten", source=x.name, axis=1)
    rows = prod(x.shape)
    classes = int(w.rng.integers(2, 6))
    latent: AnyArray = w.rng.normal(size=(rows, classes))
    weights = w.add("Quant", w.const(0.25), w.const(0.0), w.const(w.pick(2, 4)), source=w.const(latent), signed=1, narrow=1, rounding_mode="ROUND")
    w.tensor = w.add("MatMul", weights)
    w.shape = (classes,)
    if w.chance(0.5):
        w.tensor = w.add("Add", w.const(w.rng.integers(-8, 9, classes) / 4))
