"""Run a half-lowered graph on the probe images and compare every stream that the QONNX execution has too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xnorflow.hw.lowering.expected import check_stream

if TYPE_CHECKING:
    from collections.abc import Mapping

    from xnorflow.hw.chain import AnyArray
    from xnorflow.hw.graph import Graph, Node
    from xnorflow.hw.lowering.expected import Expected


class Verifier:
    """Checks graphs after passes; a node that a pass left as it was is not executed again on the same values.

    Args:
        pixels: int64 probes ``(N, H, W, C)``.
        expected: from :func:`~xnorflow.hw.lowering.expected.expected_streams`.
        origins: node name -> label of the file's node, for messages.
        first: number of the first image, for messages.

    Attributes:
        values: every stream of the graph checked last.
    """

    def __init__(self, pixels: AnyArray, expected: Mapping[str, Expected], origins: Mapping[str, str], first: int = 0) -> None:
        self._pixels, self._expected, self._origins, self._first = pixels, expected, origins, first
        self.values: dict[str, AnyArray] = {}
        self._known: dict[Node, tuple[tuple[AnyArray, ...], tuple[AnyArray, ...]]] = {}

    def check(self, name: str, graph: Graph) -> int:
        """Run a graph, each stream computed from the QONNX values of the streams before it.

        Args:
            name: the pass that made it.
            graph: the graph.

        Returns:
            Elements that differ from the QONNX value within the proven bound; 0 for a file whose sums are exact.

        Raises:
            CheckFailedError: a stream differs by more; the message names the pass and the first such node.
        """
        (source,) = graph.inputs
        values = self.values = {source: self._pixels}
        known, self._known = self._known, {}
        rounded = 0
        for node in graph.nodes:
            given = tuple(values[s] for s in node.inputs)
            before = known.get(node)
            same = before is not None and all(a is b for a, b in zip(before[0], given, strict=True))
            results = before[1] if before is not None and same else node.execute(given)
            self._known[node] = given, results
            for stream, value in zip(node.outputs, results, strict=True):
                assert graph.streams[stream].dtype.allows(value), f"{name}: {node.name}: value outside {graph.streams[stream].dtype.name}"
                values[stream] = value
                if stream in self._expected:
                    check_stream(name, node, self._origins, value, self._expected[stream], self._first)
                    rounded += int((value != self._expected[stream].value).sum())
                    values[stream] = self._expected[stream].value
        return rounded
