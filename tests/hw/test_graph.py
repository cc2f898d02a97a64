"""What a graph knows of its nodes without asking them again."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from xnorflow.hw.graph import Graph, Node, StreamType
from xnorflow.hw.types import IntArray, IntType


@dataclass(frozen=True, eq=False, kw_only=True)
class Counted(Node):
    """The identity; notes each time it is asked for its type."""

    op = "Counted"
    asked: list[str] = field(default_factory=list)

    def infer(self, ins: tuple[StreamType, ...]) -> tuple[StreamType, ...]:
        self.asked.append(self.name)
        return (ins[0],)

    def execute(self, ins: tuple[IntArray, ...]) -> tuple[IntArray, ...]:
        return ins


BYTE = StreamType((4,), IntType(8, signed=False))
BIT = StreamType((4,), IntType(1, signed=False))


def chain(asked: list[str]) -> Graph:
    a, b, c = (Counted(name=n, inputs=(i,), outputs=(o,), asked=asked) for n, i, o in (("a", "x", "s"), ("b", "s", "t"), ("c", "s", "u")))
    return Graph({"x": BYTE}, (a, b, c), ("t", "u"))


def test_producers_and_consumers_are_those_that_name_the_stream() -> None:
    graph = chain([])
    a, b, c = graph.nodes
    assert [graph.producer(s) for s in ("x", "s", "t", "u")] == [None, a, b, c]
    assert [graph.consumers(s) for s in ("x", "s", "t")] == [(a,), (b, c), ()]
    twice = replace(b, inputs=("s", "s"))
    assert graph.with_nodes((a, twice, c)).consumers("s") == (twice, c)


def test_a_node_is_asked_again_only_where_it_or_what_it_reads_has_changed() -> None:
    asked: list[str] = []
    graph = chain(asked)
    assert asked == ["a", "b", "c"]
    a, b, c = graph.nodes
    graph.with_nodes((a, b, c))
    assert asked == ["a", "b", "c"]
    graph.with_nodes((a, replace(b), c))
    assert asked == ["a", "b", "c", "b"]


def test_a_node_that_reads_another_type_is_asked_again() -> None:
    asked: list[str] = []
    graph = chain(asked)
    a, b, c = graph.nodes
    narrow = Graph({"x": BIT}, (a, b, c), ("t", "u"))
    assert narrow.streams["t"] == BIT
    moved = graph.with_nodes((replace(b, inputs=("x",)), replace(a, inputs=("t",)), c))
    assert moved.streams["u"] == BYTE
    assert asked == ["a", "b", "c", "a", "b", "c", "b", "a"]
