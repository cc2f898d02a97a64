"""The branches of random residual blocks: binary and few-bit convolutions, and what passes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from xnorflow.hw.random_grids import Grid, GridTensor, affine, convolution, halved, on_grid, quantised

if TYPE_CHECKING:
    from xnorflow.hw.random_writer import Writer


def branch(w: Writer, x: GridTensor, out: int, stride: int, grid: Grid) -> GridTensor:
    """A convolution of signs, seldom of few bits, and what brings its sums to a grid."""
    if w.chance(0.2):
        few = quantised(w, x, Grid(x.fraction - 2, w.pick(2, 3, 4)))
        return affine(w, convolution(w, few, out, stride=stride, weight_bits=w.pick(2, 4)), grid)
    return affine(w, sign_convolution(w, x, out, stride), grid)


def sign_convolution(w: Writer, x: GridTensor, out: int, stride: int) -> GridTensor:
    """The sums of a binary 3x3 convolution with a border of -1, +1 or 0, behind a sign that may be turned and shifted."""
    axes, name = (1, x.channels, 1, 1), x.name
    if w.chance(0.2):
        name = w.add("Mul", w.const(w.rng.integers(-1, 2, axes)), source=name)
    if w.chance(0.7):
        name = w.add("Add", on_grid(w, axes, x.fraction, 6), source=name)
    signs = w.add("BipolarQuant", w.const(1.0), source=name)
    value, pads = w.pick(-1.0, 1.0, 0.0), [1] * 4
    if value:
        signs = w.add("Pad", w.const([0, 0, 1, 1, 0, 0, 1, 1], np.int64), w.const(value), source=signs, mode="constant")
        pads = [0] * 4
    weights = w.add("BipolarQuant", w.const(1.0), source=w.const(w.rng.normal(size=(out, x.channels, 3, 3))))
    sums = w.add("Conv", weights, source=signs, kernel_shape=[3, 3], strides=[stride] * 2, pads=pads)
    return GridTensor(sums, halved((out, *x.shape[1:]), stride), 0, 9 * x.channels)


def shortcut(w: Writer, x: GridTensor, out: int, stride: int, grid: Grid) -> GridTensor:
    """What passes a branch: the stream itself where it fits."""
    if stride == 1 and out == x.channels and x.fraction == grid.fraction:
        return x
    even = not any(size % 2 for size in x.shape[1:])
    if stride == 2 and even and w.chance(0.6):
        x, stride = averaged(w, x), 1
    elif out > x.channels and x.fraction == grid.fraction and w.chance(0.4):
        return _more_channels(w, x, out, stride)
    return affine(w, convolution(w, x, out, stride=stride, weight_bits=w.pick(3, 8), kernel=1), grid)


def averaged(w: Writer, x: GridTensor) -> GridTensor:
    """2x2 averages."""
    name = w.add("AveragePool", source=x.name, kernel_shape=[2, 2], strides=[2, 2])
    return GridTensor(name, halved(x.shape, 2), x.fraction + 2, 4 * x.magnitude)


def _more_channels(w: Writer, x: GridTensor, out: int, stride: int) -> GridTensor:
    """Every stride-th pixel, and channels of zeros."""
    name = w.add("MaxPool", source=x.name, kernel_shape=[1, 1], strides=[stride] * 2) if stride > 1 else x.name
    front = int(w.rng.integers(0, out - x.channels + 1))
    pads = [0, front, 0, 0, 0, out - x.channels - front, 0, 0]
    name = w.add("Pad", w.const(pads, np.int64), w.const(0.0), source=name, mode="constant")
    return GridTensor(name, halved((out, *x.shape[1:]), stride), x.fraction, x.magnitude)
