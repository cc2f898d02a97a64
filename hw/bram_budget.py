"""Whether a sized graph keeps to its budget; of block RAMs a frame that waits for its gate is what exceeds it first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xnorflow.errors import FoldingError
from xnorflow.hw.folding.hardware import hardware_nodes
from xnorflow.hw.nodes import ChannelGate, Fifo, WidthConverter

if TYPE_CHECKING:
    from xnorflow.hw.folding.solve import Budget
    from xnorflow.hw.graph import Graph


def check_budget(graph: Graph, budget: Budget) -> None:
    """Refuse a graph whose estimate takes more than a budget.

    Args:
        graph: a folded graph with its FIFOs.
        budget: estimated resources that it may take.

    Raises:
        FoldingError: it takes more; the message names the node that takes most.
    """
    if budget.bram18 is not None:
        check_brams(graph, budget.bram18)
    for kind, limit in (("lut", budget.lut), ("ff", budget.ff), ("dsp", budget.dsp)):
        needs = {node.name: round(getattr(node.resources(graph.types_of(node)), kind)) for node in hardware_nodes(graph)}
        if limit is not None and sum(needs.values()) > limit:
            largest = max(needs, key=lambda name: needs[name])
            text = f"budget of {limit} {kind.upper()} is exceeded: this folding takes about {sum(needs.values())}, {needs[largest]} of them"
            raise FoldingError(f"{text} in node {largest}; raise the budget or choose another folding")


def check_brams(graph: Graph, max_brams: int) -> None:
    """Refuse a graph whose estimate takes more block RAMs than are there.

    Args:
        graph: a folded graph with its FIFOs.
        max_brams: BRAM18 that it may take.

    Raises:
        FoldingError: it takes more; the message names the largest frame buffer of a gate, or else the largest node.
    """
    brams = {node.name: node.resources(graph.types_of(node)).bram18 for node in hardware_nodes(graph)}
    needed = sum(brams.values())
    if needed <= max_brams:
        return
    buffers = [(brams[fifo.name], gate, fifo) for gate in graph.nodes if isinstance(gate, ChannelGate) for fifo in _buffers(graph, gate)]
    count, gate, fifo = max(buffers, key=lambda item: item[0], default=(0, None, None))
    text = f"budget of {max_brams} BRAM18 is exceeded: this folding takes about {needed}"
    if gate is None or fifo is None or not count:
        largest = max(brams, key=lambda name: brams[name])
        raise FoldingError(f"{text}, {brams[largest]} of them in node {largest}; raise the budget or choose another folding")
    width = fifo.lanes * graph.types_of(fifo)[0].dtype.bits
    raise FoldingError(
        f"{text}, {count} of them in {fifo.name}, where the frame of gate {gate.name} waits ({fifo.depth} beats of {width} bits); "
        "raise the budget, or gate fewer channels, a smaller image or a stream of fewer bits"
    )


def _buffers(graph: Graph, gate: ChannelGate) -> list[Fifo]:
    """The FIFOs in front of a gate's image, as far as the cell that makes it."""
    found: list[Fifo] = []
    before = graph.producer(gate.inputs[0])
    while isinstance(before, Fifo | WidthConverter):
        if isinstance(before, Fifo):
            found.append(before)
        before = graph.producer(before.inputs[0])
    return found
