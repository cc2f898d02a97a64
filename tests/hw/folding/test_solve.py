"""The solver against every folding of small networks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from xnorflow.errors import FoldingError
from xnorflow.hw.folding.apply import with_choice
from xnorflow.hw.folding.fold import ready
from xnorflow.hw.folding.hardware import hardware_nodes
from xnorflow.hw.folding.next_step import next_step
from xnorflow.hw.folding.solve import PRICE, Budget, fastest_within, solve
from xnorflow.hw.folding.space import KINDS, Space
from xnorflow.hw.graph import Graph, Node, StreamType
from xnorflow.hw.nodes import Add, Flatten, IntMatVec
from xnorflow.hw.types import IntType

if TYPE_CHECKING:
    import numpy.typing as npt

INT7 = IntType(7, signed=True)
MOST = 100_000  # foldings that brute force looks at


def drawn(networks, rng: np.random.Generator) -> Graph:
    """A few matrix-vector and affine nodes on images of 1 to 6 channels, some of them in a branch that is added to what passes it."""
    channels = int(rng.integers(1, 7))
    kind = StreamType((int(rng.integers(1, 4)), 2, channels), INT7)
    nodes: list[Node] = []

    def matvec(source: str, mw: int, mh: int) -> str:
        name = f"mv{len(nodes)}"
        nodes.append(IntMatVec(name=name, inputs=(source,), outputs=(f"{name}_out",), weights=rng.integers(-7, 8, (mh, mw)), weight_type=INT7))
        return f"{name}_out"

    def affine(source: str, width: int) -> str:
        nodes.append(networks.affine(f"aff{len(nodes)}", source, width, int(rng.integers(1, 3))))
        return nodes[-1].outputs[0]

    stream = "x"
    for _ in range(int(rng.integers(1, 3))):
        if rng.random() < 0.5:
            branch = affine(matvec(stream, channels, channels), channels)
            nodes.append(Add(name=f"add{len(nodes)}", inputs=(branch, stream), outputs=(f"add{len(nodes)}_out",), out_type=INT7))
            (stream,) = nodes[-1].outputs
        else:
            wide = int(rng.integers(1, 7))
            stream, channels = affine(matvec(stream, channels, wide), wide), wide
    if rng.random() < 0.3:
        nodes.append(Flatten(name="flat", inputs=(stream,), outputs=("flat",)))
        matvec("flat", kind.size // kind.channels * channels, 2)
    return ready(Graph({"x": kind}, tuple(nodes), (nodes[-1].outputs[0],)))


def every(space: Space) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Costs ``(kinds, foldings)`` and intervals ``(foldings,)`` of all foldings, by adding up their parts."""
    grid = np.indices([len(domain) for domain in space.domains]).reshape(len(space.domains), -1)
    costs = sum(f.cost[(slice(None), *grid[list(f.variables)])] for f in space.factors)
    cycles = np.max([cell.interval[tuple(grid[list(cell.variables)])] for cell in space.cells], axis=0)
    return costs, cycles


def spaces(networks, count: int):
    """So many drawn spaces that brute force can search."""
    rng = np.random.default_rng(7)
    found = 0
    while found < count:
        space = Space.of(drawn(networks, rng))
        if np.prod([len(domain) for domain in space.domains]) <= MOST:
            found += 1
            yield rng, space


def test_the_answer_is_as_good_as_brute_force_on_200_random_networks(networks) -> None:
    refused = several = 0
    for rng, space in spaces(networks, 200):
        costs, cycles = every(space)
        assert set(np.unique(cycles)) <= set(space.intervals())
        assert space.fastest()[0] == cycles.min()
        target = int(rng.choice(cycles))
        choice = solve(space, target)
        assert choice is not None
        assert PRICE @ space.cost(choice) == (PRICE @ costs)[cycles <= target].min()
        assert space.slowest(choice)[0] <= target
        kinds = rng.permutation(4)[: int(rng.integers(1, 4))]
        limits = {str(KINDS[k]): int(rng.integers(costs[k].min(), costs[k].max() + 1)) for k in kinds}
        within = np.all([costs[KINDS.index(kind)] <= limit for kind, limit in limits.items()], axis=0)
        several += len(limits) > 1
        if not within.any():
            refused += 1
            with pytest.raises(FoldingError, match="is out of reach"):
                next(fastest_within(space, Budget(**limits)))
            continue
        best = next(fastest_within(space, Budget(**limits)))
        assert space.slowest(best)[0] == cycles[within].min(), limits
        assert np.all(space.cost(best) <= Budget(**limits).limits)
    assert refused >= 5
    assert several >= 50


def test_the_parts_add_up_to_the_estimate_of_the_folded_graph(networks) -> None:
    rng = np.random.default_rng(3)
    for graph in (networks.mlp(), networks.cnn(), networks.residual(), networks.gated()):
        space = Space.of(ready(graph))
        for _ in range(5):
            choice = tuple(int(rng.integers(len(domain))) for domain in space.domains)
            folded = with_choice(space, choice)
            needs = [node.resources(folded.types_of(node)) for node in hardware_nodes(folded)]
            total = [sum(round(getattr(need, kind)) for need in needs) for kind in KINDS]
            assert space.cost(choice).tolist() == total
            assert space.slowest(choice)[0] == max(node.timing(folded.types_of(node)).interval for node in hardware_nodes(folded))


def test_the_next_step_names_what_limits_and_what_going_faster_takes(networks) -> None:
    graph = ready(networks.mlp())
    space = Space.of(graph)
    choice = solve(space, 700)
    assert choice is not None
    step = next_step(space.graph, with_choice(space, choice))
    assert (step.interval, step.limiting) == space.slowest(choice)
    assert step.faster is not None
    assert step.faster < step.interval
    better = solve(space, max(cycles for cycles in space.intervals() if cycles < step.interval))
    assert better is not None
    assert (step.faster, step.more) == (space.slowest(better)[0], tuple((space.cost(better) - space.cost(choice)).astype(int).tolist()))
    assert set(step.changed) == {name for name, lanes in space.lanes(better).items() if lanes != space.lanes(choice)[name]}


def test_the_fastest_folding_has_no_next_step(networks) -> None:
    space = Space.of(ready(networks.mlp()))
    choice = solve(space, space.fastest()[0])
    assert choice is not None
    step = next_step(space.graph, with_choice(space, choice))
    assert (step.faster, step.more, step.changed) == (None, None, ())
    assert step.limiting
