"""The cheapest choice of all variables of a sum of factors, by eliminating one variable after the other (Bertele and Brioschi 1972).

Exact on any graph; the work grows with the number of branches that are open side by side, of which real networks have two or three.
Several weightings of the costs are minimised together, each for itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Sequence

    from xnorflow.hw.folding.space import Space

Table = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Step:
    """One eliminated variable.

    Attributes:
        variable: its number.
        others: variables that it is connected with and that are eliminated later.
        joint: float64 ``(weightings, *sizes of the others, size of the variable)``: the least cost of all that depends on it.
    """

    variable: int
    others: tuple[int, ...]
    joint: Table

    def costs(self, choice: Sequence[int]) -> Table:
        """``(weightings, size of the variable)``, the others being chosen."""
        place: tuple[Any, ...] = (slice(None), *(choice[v] for v in self.others))
        chosen: Table = self.joint[place]
        return chosen


@dataclass(frozen=True, eq=False)
class Eliminated:
    """A space whose variables are eliminated.

    Attributes:
        steps: in the order of elimination.
        least: float64 ``(weightings,)``, the least weighted costs; infinite where nothing is allowed.
    """

    steps: tuple[Step, ...]
    least: Table

    def best(self, weighting: int) -> tuple[int, ...]:
        """A choice whose weighted cost is the least; of equal ones that of the fewest lanes at the end of the network."""
        choice = [0] * len(self.steps)
        for step in reversed(self.steps):
            choice[step.variable] = int(np.argmin(step.costs(choice)[weighting]))
        return tuple(choice)


def eliminate(space: Space, weights: Table, interval: int) -> Eliminated:
    """Minimise weighted costs over the foldings of at most an interval.

    Args:
        space: the foldings.
        weights: float64 ``(weightings, kinds)``, none negative.
        interval: cycles a frame.
    """
    tables: list[tuple[tuple[int, ...], Table]] = []
    touching: dict[int, set[int]] = {v: set() for v in range(len(space.domains))}
    for index, factor in enumerate(space.factors):
        table = np.tensordot(weights, factor.cost, axes=1)
        if factor.interval is not None:
            table = np.where(factor.interval <= interval, table, np.inf)
        tables.append((factor.variables, table))
        for v in factor.variables:
            touching[v].add(index)
    steps: list[Step] = []
    least = np.zeros(len(weights))
    for variable, others in order(space):
        place = {v: axis + 1 for axis, v in enumerate((*others, variable))}
        joint = np.zeros((len(weights), *(len(space.domains[v]) for v in place)))
        for index in touching.pop(variable):
            variables, table = tables[index]
            joint += _spread(variables, table, place)
            for v in variables:
                touching.get(v, set()).discard(index)
        steps.append(Step(variable, others, joint))
        message = joint.min(axis=-1)
        if not others:
            least = least + message
            continue
        tables.append((others, message))
        for v in others:
            touching[v].add(len(tables) - 1)
    return Eliminated(tuple(steps), least)


@lru_cache(maxsize=8)
def order(space: Space) -> tuple[tuple[int, tuple[int, ...]], ...]:
    """Each variable and those it is connected with by then, always the one next that has the fewest."""
    near: dict[int, set[int]] = {v: set() for v in range(len(space.domains))}
    for factor in space.factors:
        for v in factor.variables:
            near[v] |= set(factor.variables) - {v}
    found = []
    while near:
        variable = min(near, key=lambda v: (len(near[v]), v))
        others = near.pop(variable)
        for v in others:
            near[v] = (near[v] | others) - {v, variable}
        found.append((variable, tuple(sorted(others))))
    return tuple(found)


def _spread(variables: tuple[int, ...], table: Table, place: dict[int, int]) -> Table:
    """A factor's table on the axes of a joint one."""
    order = sorted(range(len(variables)), key=lambda axis: place[variables[axis]])
    sizes = [1] * (len(place) + 1)
    sizes[0] = table.shape[0]
    for axis in order:
        sizes[place[variables[axis]]] = table.shape[axis + 1]
    return table.transpose(0, *(axis + 1 for axis in order)).reshape(sizes)
