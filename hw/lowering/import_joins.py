"""Operators of two or more tensors that depend on the image: Add, Mul and Concat become Sum, Product and Concatenation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from xnorflow.errors import UnsupportedModelError
from xnorflow.hw.lowering.attributes import Attributes
from xnorflow.hw.lowering.builder import MAX_CODES, Tensor
from xnorflow.hw.lowering.executor import node_label
from xnorflow.hw.lowering.float_joins import Concatenation, Product, Sum
from xnorflow.hw.lowering.layout import NCHW, Layout

if TYPE_CHECKING:
    from xnorflow.hw.chain import FloatArray
    from xnorflow.hw.lowering.builder import Builder


def import_sum(builder: Builder, node: Any) -> None:
    """Add of two tensors of one shape."""
    a, b = (builder.tensors[name] for name in node.input)
    if not a.layout.same_as(b.layout):
        shapes = f"{a.layout.shape} and {b.layout.shape}"
        raise UnsupportedModelError(f"node {node_label(node)}: Add of tensors of shapes {shapes}; two of one shape and order are accepted")
    stream = builder.stream_name(node.output[0])
    builder.nodes.append(Sum(name=builder.node_name(node), inputs=(a.stream, b.stream), outputs=(stream,)))
    ends = [float(f(a.values) + f(b.values)) for f in (np.min, np.max)] if a.values is not None and b.values is not None else []
    builder.tensors[node.output[0]] = _tensor(stream, a.layout, a.step if a.step == b.step else None, ends)


def import_product(builder: Builder, node: Any) -> None:
    """Mul of two tensors of one shape, or of an image and a gate, in either order."""
    a, b = (builder.tensors[name] for name in node.input)
    if _is_gate(b, a):
        a, b = b, a
    if not (a.layout.same_as(b.layout) or _is_gate(a, b)):
        text = f"Mul of tensors of shapes {a.layout.shape} and {b.layout.shape}"
        raise UnsupportedModelError(f"node {node_label(node)}: {text}; two of one shape and order, or a gate (1, C, 1, 1), are accepted")
    stream = builder.stream_name(node.output[0])
    builder.nodes.append(Product(name=builder.node_name(node), inputs=(a.stream, b.stream), outputs=(stream,)))
    ends: list[float] = []
    if a.values is not None and b.values is not None:
        ends = [float(f(a.values)) * float(g(b.values)) for f in (np.min, np.max) for g in (np.min, np.max)]
    step = None if a.step is None or b.step is None else a.step * b.step
    builder.tensors[node.output[0]] = _tensor(stream, a.layout, step, ends)


def _is_gate(image: Tensor, gate: Tensor) -> bool:
    """Whether the second is one factor for each channel of the first, which has more than one pixel."""
    shapes = image.layout.shape, gate.layout.shape
    if any(len(shape) != 4 for shape in shapes) or shapes[1] != (1, shapes[0][1], 1, 1) or shapes[0] == shapes[1]:
        return False
    return all(Layout.image(each.layout.shape, NCHW).same_as(each.layout) for each in (image, gate))


def import_concat(builder: Builder, node: Any) -> None:
    """Concat of the channels of images."""
    label = f"node {node_label(node)}"
    if any(name not in builder.tensors for name in node.input):
        raise UnsupportedModelError(f"{label}: Concat with a constant is not supported; tensors that depend on the image are accepted")
    parts = [builder.tensors[name] for name in node.input]
    shapes = [part.layout.shape for part in parts]
    images = all(len(part.layout.shape) == 4 and Layout.image(part.layout.shape, NCHW).same_as(part.layout) for part in parts)
    axis = Attributes(node).integer("axis", 0)
    if not images or axis not in (1, -3):
        raise UnsupportedModelError(f"{label}: Concat over axis {axis} of {shapes}; the channels of images (1, C, H, W) are accepted")
    stream = builder.stream_name(node.output[0])
    name = builder.node_name(node)
    builder.nodes.append(Concatenation(name=name, inputs=tuple(part.stream for part in parts), outputs=(stream,)))
    steps = {part.step for part in parts}
    layout = Layout.image(builder.network.shapes[node.output[0]], NCHW)
    values = None if any(part.values is None for part in parts) else np.unique(np.concatenate([_values(part) for part in parts]))
    builder.tensors[node.output[0]] = Tensor(stream, layout, values, steps.pop() if len(steps) == 1 else None)


def _values(part: Tensor) -> FloatArray:
    assert part.values is not None
    return part.values


def _tensor(stream: str, layout: Layout, step: float | None, ends: list[float]) -> Tensor:
    """A tensor of integers times a step between the least and the greatest of some ends, as far as both are known."""
    if step is None or not ends:
        return Tensor(stream, layout, None)
    low, high = (int(np.rint(end / step)) for end in (min(ends), max(ends)))
    if high - low >= MAX_CODES:
        return Tensor(stream, layout, None)
    return Tensor(stream, layout, np.arange(low, high + 1).astype(np.float32) * np.float32(step), step)
