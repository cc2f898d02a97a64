"""Random small residual, gated and attention networks as QONNX, the same for the same seed.

Every tensor lies on a power-of-two grid, as those of an integerised network do, so the file's float32 results are exact.
Drawn are: blocks with plain, averaged, weighted, strided and channel-padded shortcuts, one to three branches, binary
and few-bit convolutions with all paddings, shifts in front of signs and negative factors, PReLU and RPReLU before and behind a sum,
sums that are quantised again, on another grid, or not at all, skips over several blocks, gates from squeeze-and-excite (of the
branch, of the stream itself, of both mixed), products of two branches, branches side by side, and odd shapes.
"""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from xnorflow.hw.random_branches import branch, shortcut, sign_convolution
from xnorflow.hw.random_gates import factors, mixed_mean, product, total
from xnorflow.hw.random_grids import Grid, GridTensor, added, affine, bend, convolution, quantised
from xnorflow.hw.random_writer import Writer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from xnorflow.hw.chain import AnyArray

_CHANNELS = (1, 2, 3, 4, 6, 8)
_SIZES = (1, 2, 3, 4, 5, 6, 7, 8, 9)
_MOST_CHANNELS = 16


def draw_residual(seed: int | np.random.Generator, *, kinds: Sequence[str] = (), blocks: int = 3) -> Any:
    """Draw one network.

    Args:
        seed: a number, or a generator to draw from.
        kinds: of block, keys of ``KINDS``; all of them by default.
        blocks: at most.

    Returns:
        An ``onnx.ModelProto`` with batch 1, an input of at most 9x9 pixels, at most 16 channels, 2 to 5 classes.
    """
    w = Writer(np.random.default_rng(seed), exact=True)
    w.opset = w.pick(13, 17)
    w.input_shape = w.shape = (w.pick(1, 2, 3), w.pick(*_SIZES), w.pick(*_SIZES))
    grid = Grid(int(w.rng.integers(1, 5)), int(w.rng.integers(5, 11)))
    x = _stem(w, grid)
    seen = [x]
    for _ in range(int(w.rng.integers(1, blocks + 1))):
        x = KINDS[w.pick(*(kinds or KINDS))](w, x, grid)
        x = _long_skip(w, x, seen, grid)
        seen.append(x)
    _head(w, x)
    return w.model()


def _stem(w: Writer, grid: Grid) -> GridTensor:
    bits = w.pick(4, 8)
    pixels = w.add("Quant", w.const(2.0**-bits), w.const(0.0), w.const(bits), signed=0, narrow=0, rounding_mode="ROUND")
    image = GridTensor(pixels, (w.shape[0], w.shape[1], w.shape[2]), bits, 1 << bits)
    x = affine(w, convolution(w, image, w.pick(*_CHANNELS), weight_bits=w.pick(2, 5, 8)), grid)
    if w.chance(0.8):
        return x
    name = w.add("MaxPool", source=x.name, kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4)
    return GridTensor(name, (x.channels, -(-x.shape[1] // 2), -(-x.shape[2] // 2)), x.fraction, x.magnitude)


def _long_skip(w: Writer, x: GridTensor, seen: Sequence[GridTensor], grid: Grid) -> GridTensor:
    """Sometimes adds what came out of an earlier block than the one that has just been passed."""
    fitting = [y for y in seen[:-1] if (y.shape, y.fraction) == (x.shape, x.fraction)]
    if not fitting or not w.chance(0.5):
        return x
    return quantised(w, added(w, x, w.pick(*fitting)), grid)


def _size(w: Writer, x: GridTensor) -> tuple[int, int]:
    """Channels and stride of a block behind a tensor."""
    stride = w.pick(1, 1, 2) if min(x.shape[1:]) >= 2 else 1
    return (x.channels if stride == 1 and w.chance(0.7) else min(_MOST_CHANNELS, x.channels * w.pick(1, 2))), stride


def _residual(w: Writer, x: GridTensor, grid: Grid) -> GridTensor:
    """One to three branches that meet."""
    out, stride = _size(w, x)
    summed = branch(w, x, out, stride, grid)
    for other in range(w.pick(1, 1, 2)):
        summed = added(w, summed, shortcut(w, x, out, stride, grid) if other == 0 else branch(w, x, out, stride, grid))
    ending = w.pick("same grid", "same grid", "bend", "other grid", "none")
    if ending == "none" and summed.magnitude < 1 << 13:
        return summed
    if ending == "other grid":
        return _back(w, summed, grid)
    return quantised(w, bend(w, summed, grid) if ending == "bend" else summed, grid)


def _back(w: Writer, x: GridTensor, grid: Grid) -> GridTensor:
    """A coarser grid and back to the stream's own, which later sums are on."""
    coarse = quantised(w, x, Grid(grid.fraction - 1, grid.bits - 1))
    return quantised(w, replace(coarse, name=w.add("Mul", w.const(1.0), source=coarse.name)), grid)


def _gated(w: Writer, x: GridTensor, grid: Grid) -> GridTensor:
    """A binary convolution gated by what it reads, as in Real-to-Binary, or a stream gated by itself."""
    if w.chance(0.3):
        return affine(w, product(w, x, factors(w, total(w, x), x.channels)), grid)
    out, stride = _size(w, x)
    real = affine(w, x, grid, bends=False)
    inner = Grid(int(w.rng.integers(0, 5)), w.pick(6, 9))
    sums = affine(w, sign_convolution(w, real, out, stride), inner, bends=False)
    gated = product(w, sums, factors(w, total(w, real), out))
    bent = quantised(w, bend(w, gated, grid), grid)
    return quantised(w, added(w, bent, shortcut(w, x, out, stride, grid)), grid)


def _attended(w: Writer, x: GridTensor, grid: Grid) -> GridTensor:
    """A branch gated by the means of skip and branch mixed, times the skip, plus the skip, as in BNext."""
    out, stride = _size(w, x)
    skip = shortcut(w, x, out, stride, grid)
    inner = branch(w, x, out, stride, grid)
    if w.chance(0.7):
        inner = product(w, inner, factors(w, mixed_mean(w, skip, inner), out))
        inner = affine(w, inner, grid, bends=False) if w.chance(0.5) else quantised(w, inner, grid)
    attended = product(w, inner, skip)
    branched = affine(w, attended, grid) if w.chance(0.5) else quantised(w, attended, grid)
    return quantised(w, added(w, branched, skip), grid)


def _beside(w: Writer, x: GridTensor, grid: Grid) -> GridTensor:
    """Two branches, or a branch and the stream, side by side; sometimes bent."""
    if 2 * x.channels > _MOST_CHANNELS:
        return _residual(w, x, grid)
    stride = w.pick(1, 1, 2) if min(x.shape[1:]) >= 2 else 1
    parts = [quantised(w, added(w, branch(w, x, x.channels, stride, grid), shortcut(w, x, x.channels, stride, grid)), grid)]
    parts.append(branch(w, x, x.channels, stride, grid) if w.chance(0.5) else quantised(w, shortcut(w, x, x.channels, stride, grid), grid))
    first, second = parts if w.chance(0.5) else reversed(parts)
    name = w.add("Concat", second.name, source=first.name, axis=1)
    wide = replace(first, name=name, shape=(2 * first.channels, *first.shape[1:]))
    return quantised(w, bend(w, wide, grid), grid) if w.chance(0.5) else wide


KINDS: dict[str, Callable[[Writer, GridTensor, Grid], GridTensor]] = {
    "residual": _residual,
    "gated": _gated,
    "attended": _attended,
    "beside": _beside,
}


def _head(w: Writer, x: GridTensor) -> None:
    style = w.pick("sum", "mean", "flat") if x.pixels & (x.pixels - 1) == 0 else w.pick("sum", "flat")
    if style == "sum":
        x = total(w, x)
    elif style == "mean":
        shift = x.pixels.bit_length() - 1
        x = GridTensor(w.add("GlobalAveragePool", source=x.name), (x.channels, 1, 1), x.fraction + shift, x.magnitude * x.pixels)
    if style != "flat" and w.chance(0.7):
        x = affine(w, x, Grid(3, 8))
    w.tensor = w.add("Flatten", source=x.name, axis=1)
    rows = prod(x.shape)
    classes = int(w.rng.integers(2, 6))
    latent: AnyArray = w.rng.normal(size=(rows, classes))
    weights = w.add("Quant", w.const(0.25), w.const(0.0), w.const(w.pick(2, 4)), source=w.const(latent), signed=1, narrow=1, rounding_mode="ROUND")
    w.tensor = w.add("MatMul", weights)
    w.shape = (classes,)
    if w.chance(0.5):
        w.tensor = w.add("Add", w.const(w.rng.integers(-8, 9, classes) / 4))
