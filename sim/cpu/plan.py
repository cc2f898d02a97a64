"""From a graph to the steps that the CPU runs: wires vanish; windows, signs and flattening join the node beside them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from xnorflow.errors import BadInputError
from xnorflow.hw.nodes import Fifo, Flatten, Fork, MaxPool, SlidingWindow, Threshold, WidthConverter
from xnorflow.hw.nodes.mat_vec import MatVec
from xnorflow.sim.cpu.operators import fits_kernels, gives_bits, join, mat_vec, operator, pool, sign

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from xnorflow.hw.graph import Graph, Node
    from xnorflow.sim.cpu.values import Value

IDENTITIES = (Fifo, Fork, WidthConverter)


@dataclass(frozen=True)
class Step:
    """One call of the runtime.

    Attributes:
        nodes: names of the nodes that it computes.
        sources: the streams it reads.
        target: the stream it makes.
        run: from the values of the ones to the value of the other.
        inner: the steps, in order, that make the streams which ``run`` skips; only for looking at these.
    """

    nodes: tuple[str, ...]
    sources: tuple[str, ...]
    target: str
    run: Callable[..., Value]
    inner: tuple[Step, ...] = ()


@dataclass(frozen=True)
class Plan:
    """What the runtime executes.

    Attributes:
        steps: in order.
        alias: every stream -> the stream that holds its value (itself, or the one in front of its wires).
    """

    steps: tuple[Step, ...]
    alias: Mapping[str, str]


def make_plan(graph: Graph, isa: str) -> Plan:
    """Plan a graph for one kernel table.

    Raises:
        BadInputError: the runtime does not know a node, or a node has several outputs.
    """
    alias = {name: name for name in graph.inputs}
    real: list[Node] = []
    for node in graph.nodes:
        wire = isinstance(node, IDENTITIES)
        if len(node.outputs) != 1 and not wire:
            raise BadInputError(f"node {node.name}: the CPU runtime takes nodes of one output, not {node.op}")
        alias |= {out: alias[node.inputs[0]] if wire else out for out in node.outputs}
        real += [] if wire else [node]
    chains = _chains(graph, real, alias)
    return Plan(tuple(_step(graph, chain, alias, isa) for chain in chains), alias)


def _chains(graph: Graph, nodes: list[Node], alias: Mapping[str, str]) -> list[list[Node]]:
    """Group the nodes: each chain is computed in one call."""
    reader = {alias[name]: node for node in nodes for name in node.inputs}
    uses = Counter([alias[name] for node in nodes for name in node.inputs] + [alias[name] for name in graph.outputs])
    chains: list[list[Node]] = []
    taken: set[str] = set()
    for node in nodes:
        if node.name in taken:
            continue
        chain = [node]
        while uses[chain[-1].outputs[0]] == 1 and (following := reader.get(chain[-1].outputs[0])) and _joins(graph, chain, following):
            chain.append(following)
        taken.update(member.name for member in chain)
        chains.append(chain)
    return chains


def _joins(graph: Graph, chain: list[Node], following: Node) -> bool:
    last = chain[-1]
    if isinstance(last, SlidingWindow):
        return isinstance(following, (MatVec, MaxPool))
    if len(chain) == 1 and gives_bits(last):
        return isinstance(following, Flatten) and fits_kernels(graph.types_of(last)[0])
    return isinstance(last, MatVec) and gives_bits(following)


def _step(graph: Graph, chain: list[Node], alias: Mapping[str, str], isa: str) -> Step:
    sources, target = tuple(alias[name] for name in chain[0].inputs), chain[-1].outputs[0]
    names = tuple(node.name for node in chain)
    inner = tuple(_step(graph, [node], alias, isa) for node in chain[:-1])
    return Step(names, sources, target, _run(graph, chain, isa), inner)


def _run(graph: Graph, chain: list[Node], isa: str) -> Callable[..., Value]:
    if len(chain[0].inputs) > 1:
        return join(chain[0])
    (kind,) = graph.types_of(chain[0])
    window = chain[0] if isinstance(chain[0], SlidingWindow) else None
    middle = next((node for node in chain if isinstance(node, MatVec)), None)
    try:
        if middle is not None:
            last = chain[-1]
            return mat_vec(middle, kind, window, last if isinstance(last, Threshold) else None, isa)
        if window is not None and len(chain) == 2:
            return pool(window)
        if isinstance(chain[0], Threshold) and len(chain) == 2:
            return sign(chain[0], kind, isa, flat=True)
        return operator(chain[0], kind, isa)
    except BadInputError as error:
        name = (middle or chain[0]).name
        raise error if name in str(error) else BadInputError(f"node {name}: {error}") from error
