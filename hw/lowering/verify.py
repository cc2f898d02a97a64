"""Run a half-lowered graph on the probe images and compare every stream that the QONNX execution has too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xnorflow.hw.lowering.expected import check_stream

if TYPE_CHECKING:
    from collections.abc import Mapping

    from xnorflow.hw.chain import AnyArray
    from xnorflow.hw.graph import Graph
    from xnorflow.hw.lowering.expected import Expected


def verify(name: str, graph: Graph, pixels: AnyArray, expected: Mapping[str, Expected], origins: Mapping[str, str]) -> int:
    """Check a graph after a pass; each stream is computed from the QONNX values of the streams before it.

    Args:
        name: the pass.
        graph: what it made.
        pixels: int64 probes ``(N, H, W, C)``.
        expected: from :func:`~xnorflow.hw.lowering.expected.expected_streams`.
        origins: node name -> label of the file's node, for the message.

    Returns:
        Elements that differ from the QONNX value within the proven bound; 0 for a file whose sums are exact.

    Raises:
        CheckFailedError: a stream differs by more; the message names the pass and the first such node.
    """
    (source,) = graph.inputs
    values = {source: pixels}
    rounded = 0
    for node in graph.nodes:
        results = node.execute(tuple(values[s] for s in node.inputs))
        for stream, value in zip(node.outputs, results, strict=True):
            assert graph.streams[stream].dtype.allows(value), f"{name}: {node.name}: value outside {graph.streams[stream].dtype.name}"
            values[stream] = value
            if stream in expected:
                check_stream(name, node, origins, value, expected[stream])
                rounded += int((value != expected[stream].value).sum())
                values[stream] = expected[stream].value
    return rounded
