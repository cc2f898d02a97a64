"""Gates and products of random networks: squeeze-and-excite, Real-to-Binary's gates, products of two branches, means mixed by shares."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from xnorflow.hw.random_grids import Grid, GridTensor, added, affine, convolution, quantised

if TYPE_CHECKING:
    from xnorflow.hw.random_writer import Writer

_GATE = Grid(8, 8, signed=False)


def total(w: Writer, x: GridTensor) -> GridTensor:
    """The sum of all pixels, (C, 1, 1)."""
    name = w.add("ReduceSum", w.const([2, 3], np.int64), source=x.name, keepdims=1)
    return GridTensor(name, (x.channels, 1, 1), x.fraction, x.magnitude * x.pixels)


def product(w: Writer, a: GridTensor, b: GridTensor) -> GridTensor:
    """Element by element, or by a gate (C, 1, 1), in either order."""
    left, right = (a, b) if w.chance(0.5) else (b, a)
    name = w.add("Mul", right.name, source=left.name)
    shape = a.shape if a.pixels >= b.pixels else b.shape
    return GridTensor(name, shape, a.fraction + b.fraction, a.magnitude * b.magnitude)


def factors(w: Writer, mean: GridTensor, out: int) -> GridTensor:
    """A gate's factors from the channels' sums: squeeze, ReLU, excite, sigmoid."""
    settled = affine(w, mean, Grid(int(w.rng.integers(0, 5)), w.pick(4, 6, 8)), bends=False)
    hidden = convolution(w, settled, max(1, mean.channels // w.pick(1, 2, 4)), weight_bits=w.pick(3, 4, 8), kernel=1)
    hidden = affine(w, hidden, Grid(int(w.rng.integers(0, 5)), w.pick(3, 5, 8), signed=False), bends=False)
    excited = convolution(w, hidden, out, weight_bits=w.pick(3, 4, 8), kernel=1)
    return _sigmoid(w, affine(w, excited, Grid(w.pick(2, 4, 5), w.pick(5, 8)), bends=False))


def _sigmoid(w: Writer, x: GridTensor) -> GridTensor:
    name = w.add("Sigmoid", source=x.name)
    name = w.add("Add", w.const(_safe_offset(x, _GATE.bits)), source=name)
    return quantised(w, replace(x, name=name), _GATE)


def _safe_offset(x: GridTensor, bits: int) -> float:
    """What to add to a sigmoid of any of the tensor's values so that rounding down to ``bits`` bits is the same in every runtime.

    It is the middle of the widest gap between the places, within a step, at which the sigmoids lie.
    """
    values = np.arange(-x.magnitude, x.magnitude) * 2.0**-x.fraction
    places = np.sort(1.0 / (1.0 + np.exp(-values)) * (1 << bits) % 1.0)
    gaps = np.diff(places, append=places[0] + 1.0)
    widest = int(np.argmax(gaps))
    middle = (places[widest] + gaps[widest] / 2) % 1.0
    return float(np.round((1.0 - middle) * 2.0**-bits * 2.0**20) / 2.0**20)


def mixed_mean(w: Writer, a: GridTensor, b: GridTensor) -> GridTensor:
    """``share * a + (1 - share) * b`` of two tensors' sums, with a share for each channel."""
    grid = Grid(int(w.rng.integers(0, 5)), w.pick(8, 10))
    return added(w, affine(w, total(w, a), grid, bends=False), affine(w, total(w, b), grid, bends=False))
