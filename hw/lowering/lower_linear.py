"""Pass lower_linear: layers of scaled integers become Pad, SlidingWindow and a MatVec; what joins tensors works on integers, too."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from xnorflow.errors import UnsupportedModelError
from xnorflow.hw.chain import FloatChain, FloatStep, StepKind
from xnorflow.hw.lowering.border import border_table
from xnorflow.hw.lowering.float_joins import Join
from xnorflow.hw.lowering.float_nodes import Border, Linear, Pointwise, is_float, pad_node
from xnorflow.hw.lowering.lower_joins import lower_joins, refuse_joins
from xnorflow.hw.lowering.rewrite import fresh, rewrite_pairs
from xnorflow.hw.lowering.sink_scales import sink_scales
from xnorflow.hw.nodes import GlobalSum, IntMatVec, SlidingWindow, SumPool, XnorMatVec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from xnorflow.hw.chain import FloatArray
    from xnorflow.hw.graph import Graph, Node, StreamType
    from xnorflow.hw.types import IntArray

_ACCEPTED = "a Quant or BipolarQuant with one scale in front of it is accepted"


@dataclass(frozen=True, eq=False)
class _Input:
    """What a Linear reads: ``step * (x - zero) + shift`` of the integer stream x; zero and shift ``(1,)`` or ``(C,)``."""

    zero: IntArray
    step: np.float32
    shift: FloatArray


def lower_linear(graph: Graph) -> Graph:
    """Compute on integers, and multiply by the scales of weights and inputs afterwards; the same for what joins tensors.

    Raises:
        UnsupportedModelError: a layer, a sum, a product or a concatenation whose input is not ``scale * integers``; the message names it.
    """
    while True:
        lowered = lower_joins(rewrite_pairs(graph, _lower))
        if lowered is graph or not any(isinstance(node, (Linear, Join)) for node in lowered.nodes):
            _refuse_leftovers(lowered)
            return lowered
        graph = sink_scales(lowered)  # what one layer or join made may have to pass a pool or a Flatten to the next


def _refuse_leftovers(graph: Graph) -> None:
    refuse_joins(graph)
    for node in graph.nodes:
        if not isinstance(node, Linear):
            continue
        before = graph.producer(node.inputs[0])
        if isinstance(before, Border):
            text = f"pads with {before.value:g}, which is none of the quantised tensor's values"
            raise UnsupportedModelError(f"node {before.name}: {text}; one of them, or zero in front of a convolution, is accepted")
        if not isinstance(before, Pointwise):
            raise UnsupportedModelError(f"node {node.name}: its input is not quantised; {_ACCEPTED}")


def _lower(graph: Graph, first: Node, second: Node) -> Sequence[Node] | None:
    if not isinstance(first, Pointwise) or not isinstance(second, Linear):
        return None
    kind = graph.streams[first.inputs[0]]
    source = _read_input(first, second, kind)
    stream = first.inputs[0]
    nodes: list[Node] = []
    border = None
    if any(second.pads):
        value, wanted = _padding(source, second, kind)
        nodes.append(pad_node(fresh(graph, f"{second.name}_pad"), stream, fresh(graph, f"{second.name}_padded"), second.pads, value))
        if np.any(wanted != value):
            border = border_table(second, kind, wanted - value)
        stream = nodes[-1].outputs[0]
    if border is None and second.only_adds:
        return (*nodes, *_summing(graph, second, stream, _output_chain(source, second)))
    if second.is_conv and (second.codes.shape[1:3] != (1, 1) or second.stride != (1, 1)):
        kernel, out = (second.codes.shape[1], second.codes.shape[2]), fresh(graph, f"{second.name}_windows")
        name = fresh(graph, f"{second.name}_window")
        nodes.append(SlidingWindow(name=name, inputs=(stream,), outputs=(out,), kernel=kernel, stride=second.stride, dilation=second.dilation))
        stream = out
    sums = fresh(graph, f"{second.name}_acc")
    cell = XnorMatVec if kind.dtype.bipolar and second.weight_type.bipolar else IntMatVec
    matrix = cell(name=second.name, inputs=(stream,), outputs=(sums,), weights=second.matrix, weight_type=second.weight_type, border=border)
    scale = Pointwise(name=fresh(graph, f"{second.name}_scale"), inputs=(sums,), outputs=second.outputs, chain=_output_chain(source, second))
    return (*nodes, matrix, scale)


def _summing(graph: Graph, linear: Linear, stream: str, chain: FloatChain) -> tuple[Node, ...]:
    """A sum of pixels, without weights; the whole image needs no windows."""
    sums = fresh(graph, f"{linear.name}_sums")
    kernel, size = (linear.codes.shape[1], linear.codes.shape[2]), graph.streams[linear.inputs[0]].shape[:2]
    scale = Pointwise(name=fresh(graph, f"{linear.name}_scale"), inputs=(sums,), outputs=linear.outputs, chain=chain)
    if kernel == size and not any(linear.pads):
        return GlobalSum(name=linear.name, inputs=(stream,), outputs=(sums,)), scale
    name, windows = fresh(graph, f"{linear.name}_window"), fresh(graph, f"{linear.name}_windows")
    window = SlidingWindow(name=name, inputs=(stream,), outputs=(windows,), kernel=kernel, stride=linear.stride, dilation=linear.dilation)
    return window, SumPool(name=linear.name, inputs=(windows,), outputs=(sums,), taps=kernel[0] * kernel[1]), scale


def _read_input(scale: Pointwise, linear: Linear, kind: StreamType) -> _Input:
    steps = list(scale.chain.steps)
    zero, step, shift = np.zeros(1, dtype=np.int64), np.float32(1), np.zeros(1, dtype=np.float32)
    if steps and steps[0].kind is StepKind.OFFSET:
        zero = steps.pop(0).operands[0]
    if steps and steps[0].kind is StepKind.MUL and np.all(steps[0].operands[0] == steps[0].operands[0][0]):
        step = np.float32(steps.pop(0).operands[0][0])
    if steps and steps[0].kind is StepKind.ADD and kind.dtype.name == "UINT8":
        shift = steps.pop(0).operands[0]
    if steps or is_float(kind):
        raise UnsupportedModelError(f"node {linear.name}: its input is not one scale times integers ({_words(scale)}); {_ACCEPTED}")
    if np.any(shift) and any(linear.pads):
        text = "the normalised image is padded with zero, which is no integer pixel"
        raise UnsupportedModelError(f"node {linear.name}: {text}; add an input quantiser, or a normalisation whose zero is a pixel")
    return _Input(zero, step, shift)


def _words(scale: Pointwise) -> str:
    return " then ".join(s.kind.value + (" per channel" if any(len(c) > 1 for c in s.operands) else "") for s in scale.chain.steps) or "plain"


def _padding(source: _Input, linear: Linear, kind: StreamType) -> tuple[IntArray, IntArray]:
    """Per channel: what the stream is padded with, and the code that zero padding stands for."""
    wanted = np.broadcast_to(source.zero, (kind.channels,)).astype(np.int64)
    if kind.dtype.bipolar:
        return np.full_like(wanted, -1), wanted
    return np.clip(wanted, kind.dtype.minimum, kind.dtype.maximum), wanted


def _output_chain(source: _Input, linear: Linear) -> FloatChain:
    steps = []
    constant = linear.code_sums(source.zero)
    if np.any(constant):
        steps.append(FloatStep.of(StepKind.OFFSET, constant))
    scale = source.step * linear.scale
    if np.any(scale != 1):
        steps.append(FloatStep.of(StepKind.MUL, scale[:1] if np.all(scale == scale[0]) else scale))
    if np.any(source.shift):
        steps.append(FloatStep.of(StepKind.ADD, linear.weight_sums(source.shift.astype(np.float64))))
    return FloatChain(tuple(steps))
