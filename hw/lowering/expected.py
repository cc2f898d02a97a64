"""What every stream must hold on the probe images, from the QONNX execution: exact, or within a proven rounding bound.

Where the file's float32 sums are exact in any order (power-of-two scales), the bound is zero and comparison is ``==``.
Elsewhere the file's own result depends on the order in which a runtime adds; then each layer is computed from the
QONNX values of its input, its sum may differ by at most the bound of float32 summation, and what follows from that
interval (through pools, chains and quantisers, end points mapped) is what is accepted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from xnorflow.errors import CheckFailedError
from xnorflow.hw.lowering.affine import AFFINE_SLACK
from xnorflow.hw.lowering.float_joins import Join
from xnorflow.hw.lowering.float_nodes import Linear, Pointwise, Quantise
from xnorflow.hw.lowering.sigmoid import SIGMOID_SLACK, bends
from xnorflow.hw.nodes import ArgMax

if TYPE_CHECKING:
    from collections.abc import Mapping

    from xnorflow.hw.chain import AnyArray
    from xnorflow.hw.graph import Graph, Node
    from xnorflow.hw.lowering.builder import Builder

_ULP = 2.0**-24
_SLACK_OPERATIONS = 8


@dataclass(frozen=True, eq=False)
class Expected:
    """One stream on the probe images: the QONNX value, and the interval that is accepted; ``(N, *shape)`` each."""

    value: AnyArray
    low: AnyArray
    high: AnyArray


def reference_values(builder: Builder, tensors: Mapping[str, AnyArray]) -> dict[str, AnyArray]:
    """The QONNX execution's tensors as streams of the imported graph.

    Raises:
        CheckFailedError: a quantised tensor is not the integers times the scale that the lowering took it for.
    """
    values = {t.stream: t.layout.to_stream(tensors[name]) for name, t in builder.tensors.items() if name in tensors}
    for stream, (name, scale) in builder.codes.items():
        real = builder.tensors[name].layout.to_stream(tensors[name]).astype(np.float32)
        codes = np.rint(real / scale)
        if np.any(codes.astype(np.float32) * scale != real):
            raise CheckFailedError(f"pass import: tensor {name!r} is not integers times {scale.ravel()[:4].tolist()} in the QONNX execution")
        values[stream] = codes.astype(np.int64)
    return values


def expected_streams(builder: Builder, graph: Graph, pixels: AnyArray, tensors: Mapping[str, AnyArray], first: int = 0) -> dict[str, Expected]:
    """Expected values of all streams of the imported graph that the QONNX execution has too.

    Args:
        builder: the import.
        graph: the imported graph.
        pixels: int64 probes ``(N, H, W, C)``.
        tensors: the QONNX execution's tensors on them.
        first: number of the first image, for messages.

    Raises:
        CheckFailedError: the imported graph does not compute what the QONNX execution does; names the node.
    """
    values = reference_values(builder, tensors)
    (name,) = graph.inputs
    flow = {name: Expected(pixels, pixels, pixels)}
    kept: dict[str, Expected] = {}
    for node in graph.nodes:
        given = [flow[s] for s in node.inputs]
        low, high = _joined(node, given) if isinstance(node, Join) else _interval(builder, node, given[0])
        stream = node.outputs[0]
        value = values.get(stream, low)
        if stream in values:
            kept[stream] = Expected(value, low, high)
            check_stream("import", node, builder.origins, value, kept[stream], first)
        exact = value.dtype == np.int64
        flow[stream] = Expected(value, value if exact else low, value if exact else high)
    return kept


def check_stream(name: str, node: Node, origins: Mapping[str, str], value: AnyArray, expected: Expected, first: int = 0) -> None:
    """Compare a stream with what is expected of it.

    Raises:
        CheckFailedError: it differs; names the pass, the node, the first image and position, and both values.
    """
    wrong = ~((value >= expected.low) & (value <= expected.high))
    if not np.any(wrong):
        return
    image, *place = (int(i) for i in np.argwhere(wrong)[0])
    label = f" (the file's {origins[node.name]})" if node.name in origins else ""
    got, wanted = value[image][tuple(place)], expected.value[image][tuple(place)]
    text = f"differs from the QONNX execution at image {first + image}, position {tuple(place)}: {got} instead of {wanted}"
    raise CheckFailedError(f"pass {name}: node {node.name}{label} {text}")


def _interval(builder: Builder, node: Node, given: Expected) -> tuple[AnyArray, AnyArray]:
    if isinstance(node, Linear):
        return _linear(builder, node, given.value)
    if isinstance(node, (Pointwise, Quantise)):
        low, high = _pointwise(node, given)
        slack = np.float32(AFFINE_SLACK * np.abs(low).max(initial=0)) if node.name in builder.loose else np.float32(0)
        if bends(node.chain):
            slack = np.float32(SIGMOID_SLACK)
        return (low - slack, high + slack) if slack else (low, high)
    if isinstance(node, ArgMax):
        return argmax_interval(given)
    (low,) = node.execute((given.low,))
    (high,) = node.execute((given.high,))
    return low, high


def _joined(node: Join, given: list[Expected]) -> tuple[AnyArray, AnyArray]:
    return node.bounds([each.low for each in given], [each.high for each in given])


def _linear(builder: Builder, node: Linear, x: AnyArray) -> tuple[AnyArray, AnyArray]:
    windows = node.windows(x.astype(np.float64))
    sums = node.product(windows)
    if node.name not in builder.inexact:
        exact = sums.astype(np.float32)
        return exact, exact
    bound = (windows.shape[-1] + _SLACK_OPERATIONS) * (node.magnitude(windows) + builder.inexact[node.name])
    bound = (bound + _SLACK_OPERATIONS * np.abs(x).max(initial=0) * node.magnitudes()) * _ULP
    return _rounded(sums - bound, -np.inf), _rounded(sums + bound, np.inf)


def _rounded(values: AnyArray, towards: float) -> AnyArray:
    return np.nextafter(values.astype(np.float32), np.float32(towards))


def _pointwise(node: Pointwise | Quantise, given: Expected) -> tuple[AnyArray, AnyArray]:
    """End points mapped; with a turning point at zero where a PReLU slopes down."""
    (a,), (b,) = node.execute((given.low,)), node.execute((given.high,))
    low, high = np.minimum(a, b), np.maximum(a, b)
    if np.any(node.chain.directions() == 0):
        (turn,) = node.execute((np.clip(np.zeros_like(given.low), given.low, given.high),))
        low, high = np.minimum(low, turn), np.maximum(high, turn)
    return low, high


def argmax_interval(given: Expected) -> tuple[AnyArray, AnyArray]:
    """Least and greatest label that values within the interval can have."""
    candidates = given.high >= given.low.max(axis=-1, keepdims=True)
    first = np.argmax(candidates, axis=-1, keepdims=True)
    last = candidates.shape[-1] - 1 - np.argmax(candidates[:, ::-1], axis=-1, keepdims=True)
    if np.array_equal(given.low, given.high):
        exact = np.argmax(given.low, axis=-1, keepdims=True).astype(np.int64)
        return exact, exact
    return first.astype(np.int64), last.astype(np.int64)
