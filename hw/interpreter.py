"""The NumPy interpreter: the authority for what a dataflow graph computes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xnorflow.errors import BadInputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from xnorflow.hw.graph import Graph
    from xnorflow.hw.types import IntArray


def execute(graph: Graph, inputs: Mapping[str, IntArray], *, keep_all: bool = False) -> dict[str, IntArray]:
    """Run a batch through a graph.

    Args:
        graph: the graph.
        inputs: int64 arrays ``(N, *shape)`` for each graph input.
        keep_all: return every stream, not only the graph's outputs.

    Returns:
        Stream name -> int64 array ``(N, *shape)``.

    Raises:
        BadInputError: an input is missing, has a wrong shape, or holds values outside its type.
    """
    values: dict[str, IntArray] = {}
    for name, kind in graph.inputs.items():
        if name not in inputs:
            raise BadInputError(f"graph input {name!r} was not given")
        array = inputs[name]
        if array.shape[1:] != kind.shape:
            raise BadInputError(f"graph input {name!r} has frames of shape {array.shape[1:]}; {kind.shape} is accepted")
        if not kind.dtype.allows(array):
            raise BadInputError(f"graph input {name!r} holds values outside {kind.dtype.name}")
        values[name] = array
    uses = {s: len(graph.consumers(s)) for s in graph.streams}
    for node in graph.nodes:
        results = node.execute(tuple(values[s] for s in node.inputs))
        for name, array in zip(node.outputs, results, strict=True):
            assert graph.streams[name].dtype.allows(array), f"{node.name}: value outside {graph.streams[name].dtype.name}"
            values[name] = array
        for name in node.inputs:
            uses[name] -= 1
            if not keep_all and uses[name] == 0 and name not in graph.outputs:
                values.pop(name, None)
    return values if keep_all else {name: values[name] for name in graph.outputs}
