"""The estimate of a folded graph, computed from its nodes and its schedule; ``estimate.json`` holds it."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from xnorflow.errors import BadInputError
from xnorflow.hw.cell import Resources
from xnorflow.hw.folding.hardware import hardware_nodes
from xnorflow.hw.nodes import Fifo
from xnorflow.hw.nodes.mat_vec import MatVec
from xnorflow.records import parse_json

if TYPE_CHECKING:
    from xnorflow.hw.graph import Graph, HardwareNode
    from xnorflow.hw.schedule import Schedule


@dataclass(frozen=True)
class NodeEstimate:
    """One node.

    Attributes:
        name, op: of the node.
        in_lanes, out_lanes: elements a beat.
        interval: cycles a frame when nothing stalls it.
        lut, ff, bram18, dsp: estimated xc7 resources.
        weight_bits: bits of its weights.
        fifo_bits: bits that it stores as a FIFO.
    """

    name: str
    op: str
    in_lanes: int
    out_lanes: int
    interval: int
    lut: int
    ff: int
    bram18: int
    dsp: int
    weight_bits: int
    fifo_bits: int


@dataclass(frozen=True)
class Estimate:
    """A whole network.

    Attributes:
        interval: cycles between two frames, exact.
        latency: cycles from the first beat offered to the last beat out of the first frame after a reset, both included.
        clock_mhz: clock that ``fps`` is for.
        nodes: in order of the stream.
    """

    interval: int
    latency: int
    clock_mhz: float
    nodes: tuple[NodeEstimate, ...]

    @property
    def fps(self) -> float:
        """Frames a second at the clock."""
        return self.clock_mhz * 1e6 / self.interval

    @property
    def total(self) -> Resources:
        """Sum over the nodes."""
        return sum((Resources(n.lut, n.ff, n.bram18, n.dsp) for n in self.nodes), Resources())

    @property
    def weight_bits(self) -> int:
        """Bits of all weights."""
        return sum(n.weight_bits for n in self.nodes)

    @property
    def fifo_bits(self) -> int:
        """Bits that all FIFOs store."""
        return sum(n.fifo_bits for n in self.nodes)

    def to_json(self) -> dict[str, Any]:
        """Every figure, those derived from others included."""
        record = dataclasses.asdict(self)
        record["nodes"] = [dataclasses.asdict(n) for n in self.nodes]
        record["fps"] = self.fps
        record["total"] = {**dataclasses.asdict(self.total), "weight_bits": self.weight_bits, "fifo_bits": self.fifo_bits}
        return record

    def dumps(self) -> str:
        """The text of ``estimate.json``."""
        return json.dumps(self.to_json(), indent=1) + "\n"

    @classmethod
    def loads(cls, text: str, source: str = "estimate") -> Estimate:
        """Read what :meth:`dumps` wrote.

        Raises:
            BadInputError: the text is no such record.
        """
        try:
            raw = parse_json(text, source)
            nodes = tuple(NodeEstimate(**n) for n in raw["nodes"])
            return cls(raw["interval"], raw["latency"], raw["clock_mhz"], nodes)
        except (ValueError, KeyError, TypeError) as error:
            raise BadInputError(f"{source} is damaged: {type(error).__name__}: {error}") from error


def estimate_graph(graph: Graph, schedule: Schedule, clock_mhz: float) -> Estimate:
    """The estimate of a folded graph with its FIFOs and the schedule that their sizing found."""
    nodes = tuple(_node(node, graph) for node in hardware_nodes(graph))
    return Estimate(schedule.interval, schedule.latency, clock_mhz, nodes)


def _node(node: HardwareNode, graph: Graph) -> NodeEstimate:
    ins = graph.types_of(node)
    cost = node.resources(ins)
    return NodeEstimate(
        name=node.name,
        op=node.op,
        in_lanes=node.in_lanes,
        out_lanes=node.out_lanes,
        interval=node.timing(ins).interval,
        lut=round(cost.lut),
        ff=round(cost.ff),
        bram18=cost.bram18,
        dsp=cost.dsp,
        weight_bits=node.weights.size * node.weight_type.bits if isinstance(node, MatVec) else 0,
        fifo_bits=node.depth * node.lanes * ins[0].dtype.bits if isinstance(node, Fifo) else 0,
    )
