"""What each node does on the CPU: one function a node type, from the node to a callable on its input value."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

from xnorflow import kernels
from xnorflow.errors import BadInputError
from xnorflow.hw.nodes import (
    Add,
    Affine,
    ArgMax,
    ChannelGate,
    Concat,
    Flatten,
    GlobalSum,
    MaxPool,
    Multiply,
    Pad,
    SlidingWindow,
    SumPool,
    Table,
    Threshold,
)
from xnorflow.hw.nodes.mat_vec import MatVec
from xnorflow.hw.nodes.summing import Summing
from xnorflow.kernels import BitThresholds, Borders, IntLayer, Packed, Window, XnorLayer
from xnorflow.sim.cpu.values import Integers, Value, as_images, hold, integers, reshape, storage

if TYPE_CHECKING:
    from xnorflow.hw.graph import Node, StreamType
    from xnorflow.hw.types import IntType

Operator: TypeAlias = Callable[[Value], Value]
Scalar = TypeVar("Scalar", bound=np.generic)


def operator(node: Node, kind: StreamType, isa: str) -> Operator:
    """The CPU's version of one node.

    Args:
        node: the node.
        kind: type of its input stream.
        isa: kernel table to use.

    Raises:
        BadInputError: the CPU runtime does not know the node.
    """
    if isinstance(node, MatVec):
        return mat_vec(node, kind, None, None, isa)
    if isinstance(node, Threshold) and gives_bits(node) and fits_kernels(kind):
        return sign(node, kind, isa, flat=False)
    for cls, make in _MAKERS.items():
        if isinstance(node, cls):
            return make(node, kind)
    raise BadInputError(f"node {node.name}: the CPU runtime does not know {node.op}")


def join(node: Node) -> Callable[..., Value]:
    """The CPU's version of a node of several inputs.

    Raises:
        BadInputError: the CPU runtime does not know the node.
    """
    if isinstance(node, Concat):
        return _concat
    if not isinstance(node, Add | ChannelGate | Multiply):
        raise BadInputError(f"node {node.name}: the CPU runtime does not know {node.op}")
    limits, dtype = {"low": node.out_type.minimum, "high": node.out_type.maximum}, node.out_type
    if isinstance(node, ChannelGate):
        shift = node.shift
        return lambda x, g: hold(kernels.gate(integers(x), integers(g).reshape(len_of(g), -1), shift=shift, **limits), dtype)
    if isinstance(node, Multiply):
        shift = node.shift
        return lambda a, b: hold(kernels.multiply(integers(a), integers(b), shift=shift, **limits), dtype)
    return lambda a, b: hold(kernels.add(integers(a), integers(b), **limits), dtype)


def _concat(a: Value, b: Value) -> Value:
    joined = np.concatenate([integers(a), integers(b)], axis=-1)
    return kernels.pack(joined) if isinstance(a, Packed) else joined


def mat_vec(node: MatVec, kind: StreamType, window: SlidingWindow | None, threshold: Threshold | None, isa: str) -> Operator:
    """A matrix-vector node, with the windows before it and the sign threshold after it where these are given.

    Args:
        node: the node.
        kind: type of the stream that the window, or else the node, reads.
        window: the windows of a convolution, or None.
        threshold: a threshold for which :func:`gives_bits` holds, or None.
        isa: kernel table to use.
    """
    borders = None if node.border is None else Borders(node.border.row_class, node.border.col_class, node.border.table)
    vectors = len(kind.shape) == 1
    place = window_of(window) if window else Window()
    limits = BitThresholds(threshold.thresholds[:, 0], threshold.negate) if threshold else None
    binary = kind.dtype.bipolar and node.weight_type.bipolar
    layer = (XnorLayer if binary else IntLayer)(node.weights, kind.channels, place, borders=borders, isa=isa)

    def run(x: Value) -> Value:
        images = as_images(x)
        out: Value = layer.bits(images, limits) if limits else layer.accumulate(images)
        return reshape(out, (len_of(x),)) if vectors else out

    return run


def sign(node: Threshold, kind: StreamType, isa: str, *, flat: bool) -> Operator:
    """A sign threshold on integers, with the flattening after it if ``flat``: pixels of few channels then fill whole words.

    Args:
        node: a threshold for which :func:`gives_bits` holds.
        kind: type of its input, for which :func:`fits_kernels` holds.
        isa: kernel table to use.
        flat: whether frames leave as vectors.
    """
    times = kind.size // kind.channels if flat else 1
    limits = BitThresholds(np.tile(node.thresholds[:, 0], times), np.tile(node.negate, times))

    def run(x: Value) -> Value:
        values = integers(x)
        return limits.bits(values.reshape(len(values), kind.size) if flat else values, isa=isa)

    return run


def fits_kernels(kind: StreamType) -> bool:
    """Whether the kernels' thresholds, which are int32, see every value of a stream as it is."""
    return storage(kind.dtype) is not np.int64


def gives_bits(node: Node) -> bool:
    """Whether a node is a plain sign threshold: one level a channel, -1 below it and +1 from it on."""
    return isinstance(node, Threshold) and node.out_type.bipolar and (node.levels, node.base, node.step) == (1, -1, 2)


def window_of(node: SlidingWindow) -> Window:
    """The kernels' name for a node's windows."""
    return Window(node.kernel, node.stride, node.dilation)


def pool(window: SlidingWindow) -> Operator:
    """The greatest of each window, without making the windows."""
    place = window_of(window)
    return lambda x: kernels.max_pool_bits(x, place) if isinstance(x, Packed) else kernels.max_pool(x, place)


def len_of(value: Value) -> int:
    """Frames of a batch."""
    return value.shape[0]


def _max_pool(node: MaxPool, kind: StreamType) -> Operator:
    """Windows that lie in memory are images of ``taps`` pixels, which one window covers."""
    taps, dtype = Window((1, node.taps)), kind.dtype

    def run(x: Value) -> Value:
        values = integers(x)
        images = values.reshape(int(np.prod(values.shape[:-1])), 1, node.taps, values.shape[-1] // node.taps)
        return hold(kernels.max_pool(images, taps).reshape(*values.shape[:-1], images.shape[-1]), dtype)

    return run


def _sliding_window(node: SlidingWindow, _: StreamType) -> Operator:
    window = window_of(node)
    (kh, kw), (sh, sw), (dh, dw) = node.kernel, node.stride, node.dilation

    def run(x: Value) -> Value:
        if isinstance(x, Packed):
            return kernels.gather(x, window)
        _, rows, cols = window.count(x.shape)
        taps = [x[:, i * dh :: sh, j * dw :: sw][:, :rows, :cols] for i in range(kh) for j in range(kw)]
        return np.concatenate(taps, axis=-1)

    return run


def _pad(node: Pad, kind: StreamType) -> Operator:
    border = hold(node.value, kind.dtype)

    def run(x: Value) -> Value:
        if isinstance(x, Packed) and isinstance(border, Packed):
            return Packed(_surround(node, x.words, border.words), x.channels)
        assert not isinstance(x, Packed)
        assert not isinstance(border, Packed)
        return _surround(node, x, border)

    return run


def _surround(node: Pad, x: npt.NDArray[Scalar], border: npt.NDArray[Scalar]) -> npt.NDArray[Scalar]:
    n, height, width, depth = x.shape
    out = np.empty((n, node.top + height + node.bottom, node.left + width + node.right, depth), dtype=x.dtype)
    out[:] = border
    out[:, node.top : node.top + height, node.left : node.left + width] = x
    return out


def _flatten(_: Flatten, kind: StreamType) -> Operator:
    if len(kind.shape) == 1:
        return lambda x: x
    height, width, _channels = kind.shape
    cover = Window((height, width))

    def run(x: Value) -> Value:
        if isinstance(x, Packed):
            return kernels.gather(x, cover).reshape(len_of(x))
        return x.reshape(len_of(x), kind.size)

    return run


def _threshold(node: Threshold, _: StreamType) -> Operator:
    def run(x: Value) -> Value:
        return hold(kernels.threshold(integers(x), node.thresholds, node.negate, base=node.base, step=node.step), node.out_type)

    return run


def _affine(node: Affine, _: StreamType) -> Operator:
    shift, low, high = node.shift, node.out_type.minimum, node.out_type.maximum
    coefficients = node.mul, node.add, node.knee
    return lambda x: hold(kernels.affine(integers(x), *coefficients, shift=shift, low=low, high=high), node.out_type)


def _sum(node: Summing, kind: StreamType) -> Operator:
    taps, shape = node.pixels(kind)
    (out,) = node.infer((kind,))
    return lambda x: hold(kernels.sum_pixels(integers(x).reshape(len_of(x), *shape[:-1], taps, shape[-1])).reshape(len_of(x), *shape), out.dtype)


def _table(node: Table, kind: StreamType) -> Operator:
    return lambda x: hold(kernels.look_up(_patterns(x, kind.dtype), node.values), node.out_type)


def _patterns(x: Value, dtype: IntType) -> Integers:
    """Integers whose low bits are the stream's on the wire: -1 of BIPOLAR is 0 there."""
    values = integers(x)
    return (values > 0).astype(np.uint8) if dtype.bipolar else values


def _arg_max(node: ArgMax, kind: StreamType) -> Operator:
    (out,) = node.infer((kind,))
    return lambda x: hold(kernels.arg_max(integers(x)), out.dtype)


_MAKERS: Mapping[type[Node], Callable[[Any, StreamType], Operator]] = {
    Affine: _affine,
    ArgMax: _arg_max,
    Flatten: _flatten,
    GlobalSum: _sum,
    MaxPool: _max_pool,
    Pad: _pad,
    SlidingWindow: _sliding_window,
    SumPool: _sum,
    Table: _table,
    Threshold: _threshold,
}
