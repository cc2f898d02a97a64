"""The dataflow graph: streams, nodes, and the rules that make a graph well formed (docs/dataflow-graph.md)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import InitVar, dataclass, field
from functools import cached_property
from math import prod
from typing import TYPE_CHECKING, ClassVar

from xnorflow.errors import BadInputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from xnorflow.hw.cell import Cell, Resources
    from xnorflow.hw.timing import Pipeline, Timing
    from xnorflow.hw.types import IntArray, IntType


@dataclass(frozen=True)
class StreamType:
    """Shape and element type of one stream: ``(H, W, C)`` or ``(C,)``, channel innermost, no batch axis."""

    shape: tuple[int, ...]
    dtype: IntType

    def __post_init__(self) -> None:
        if len(self.shape) not in (1, 3) or any(d < 1 for d in self.shape):
            raise BadInputError(f"stream shape {self.shape} is neither (C,) nor (H, W, C) with positive sizes")

    @property
    def channels(self) -> int:
        """Elements on the innermost axis."""
        return self.shape[-1]

    @property
    def size(self) -> int:
        """Elements of one frame."""
        return prod(self.shape)

    def beats(self, lanes: int) -> int:
        """Transfers of one frame at ``lanes`` elements a beat (``lanes`` divides the channels)."""
        return self.size // lanes


@dataclass(frozen=True, eq=False, kw_only=True)
class Node(ABC):
    """One operation on streams. Subclasses are frozen; a pass replaces nodes, it never edits them.

    Attributes:
        name: unique in the graph, letters, digits and underscores only (sanitised where models are read).
        inputs, outputs: names of the streams.
    """

    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    op: ClassVar[str]

    @abstractmethod
    def infer(self, ins: tuple[StreamType, ...]) -> tuple[StreamType, ...]:
        """Types of the outputs. Raises BadInputError, naming this node, where the inputs do not fit."""

    @abstractmethod
    def execute(self, ins: tuple[IntArray, ...]) -> tuple[IntArray, ...]:
        """The exact integer meaning, on int64 arrays ``(N, *shape)``: the authority for every other executor."""


@dataclass(frozen=True, eq=False, kw_only=True)
class HardwareNode(Node):
    """A node that one RTL cell of ``hw/rtl`` computes. It has one input and one output stream unless it says so.

    A cell of several inputs takes beats of ``in_lanes`` elements at each; one of several outputs likewise.
    """

    @property
    @abstractmethod
    def in_lanes(self) -> int:
        """Elements a beat at each input; 0 where the folding has not been chosen yet."""

    @property
    @abstractmethod
    def out_lanes(self) -> int:
        """Elements a beat at each output; 0 where the folding has not been chosen yet."""

    @abstractmethod
    def timing(self, ins: tuple[StreamType, ...]) -> Timing:
        """When beats are taken and made; the cell in ``hw/rtl`` behaves exactly so when nothing stalls it.

        With several inputs or outputs it holds for each pair of them: a beat is made when every input allows it, and taken
        when every output does.
        """

    def timings(self, ins: tuple[StreamType, ...]) -> tuple[Timing, ...]:
        """The timing between each input and every output: :meth:`timing`, unless the inputs differ, and then its first one."""
        return (self.timing(ins),) * len(ins)

    @property
    def pipeline(self) -> Pipeline | None:
        """What the beats of :meth:`timings` go through before they leave; None where they leave at once."""
        return None

    @abstractmethod
    def resources(self, ins: tuple[StreamType, ...]) -> Resources:
        """Estimated xc7 resources, calibrated on Yosys results of the cell."""

    @abstractmethod
    def cell(self, ins: tuple[StreamType, ...]) -> Cell:
        """The RTL module, its parameters and its memory images."""


Inferred = dict[Node, tuple[tuple[StreamType, ...], tuple[StreamType, ...]]]
"""Nodes whose output types are known already: the types of their inputs, and of their outputs."""


@dataclass(frozen=True)
class Graph:
    """An acyclic graph of nodes over named streams.

    Attributes:
        inputs: the streams that come from outside, with their types.
        nodes: in topological order.
        outputs: names of the streams that leave.
        inferred: what is known of nodes that are in the graph (:meth:`with_nodes` gives it).
    """

    inputs: Mapping[str, StreamType]
    nodes: tuple[Node, ...]
    outputs: tuple[str, ...]
    streams: Mapping[str, StreamType] = field(init=False, repr=False, compare=False)
    inferred: InitVar[Inferred | None] = None

    def __post_init__(self, inferred: Inferred | None) -> None:
        object.__setattr__(self, "streams", self._infer(inferred or {}))

    def _infer(self, inferred: Inferred) -> dict[str, StreamType]:
        streams = dict(self.inputs)
        names: set[str] = set()
        for node in self.nodes:
            if node.name in names:
                raise BadInputError(f"node name {node.name!r} appears twice in the graph")
            names.add(node.name)
            missing = [s for s in node.inputs if s not in streams]
            if missing:
                raise BadInputError(f"node {node.name} reads stream {missing[0]!r}, which nothing before it makes")
            ins = self._types(node, streams)
            known = inferred.get(node)
            made = known[1] if known is not None and known[0] == ins else node.infer(ins)
            for out, kind in zip(node.outputs, made, strict=True):
                if out in streams:
                    raise BadInputError(f"node {node.name} makes stream {out!r}, which exists already")
                streams[out] = kind
        for out in self.outputs:
            if out not in streams:
                raise BadInputError(f"graph output {out!r} is made by no node")
        return streams

    @staticmethod
    def _types(node: Node, streams: Mapping[str, StreamType]) -> tuple[StreamType, ...]:
        return tuple(streams[s] for s in node.inputs)

    def types_of(self, node: Node) -> tuple[StreamType, ...]:
        """Types of a node's input streams."""
        return self._types(node, self.streams)

    def consumers(self, stream: str) -> tuple[Node, ...]:
        """The nodes that read a stream."""
        return self._readers.get(stream, ())

    def producer(self, stream: str) -> Node | None:
        """The node that makes a stream; None for a graph input."""
        return self._makers.get(stream)

    @cached_property
    def _readers(self) -> dict[str, tuple[Node, ...]]:
        readers: dict[str, list[Node]] = {}
        for node in self.nodes:
            for stream in dict.fromkeys(node.inputs):
                readers.setdefault(stream, []).append(node)
        return {stream: tuple(nodes) for stream, nodes in readers.items()}

    @cached_property
    def _makers(self) -> dict[str, Node]:
        return {stream: node for node in self.nodes for stream in node.outputs}

    def with_nodes(self, nodes: Iterable[Node]) -> Graph:
        """The same graph over other nodes, checked again; a node that reads the types it read before is not asked anew."""
        known = {node: (self.types_of(node), tuple(self.streams[s] for s in node.outputs)) for node in self.nodes}
        return Graph(self.inputs, tuple(nodes), self.outputs, known)
