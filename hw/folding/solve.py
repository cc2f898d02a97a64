"""The cheapest folding that keeps to an interval and a budget, and the fastest one that keeps to a budget.

Whatever a slower folding allows, a faster one does not: foldings of at most T cycles are among those of at most T + 1, so a budget that
holds at T holds at every greater interval, and bisection over all intervals that a folding can have finds the fastest one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from xnorflow.errors import FoldingError
from xnorflow.hw.estimate.primitives import BLOCK_PRICE
from xnorflow.hw.folding.eliminate import eliminate
from xnorflow.hw.folding.space import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xnorflow.hw.cell import Resources
    from xnorflow.hw.folding.eliminate import Eliminated, Step, Table
    from xnorflow.hw.folding.space import Space

# What a unit of each kind is worth in LUTs: about their ratio in small devices.
PRICE = np.array([1.0, 0.5, BLOCK_PRICE, BLOCK_PRICE])
_EMPHASES = (0.25, 1.0, 4.0, 16.0)  # how much dearer a kind is made whose budget the cheapest folding exceeds
_ROUNDS, _STEP, _KEPT = 16, 2.0, 6  # of rising prices, how fast they rise, and how many of them the search goes by
_MOST_CHOICES = 10_000  # that the search looks at before it gives up
_ROUNDING = 1e-9  # of sums of quotients


@dataclass(frozen=True)
class Budget:
    """Estimated xc7 resources not to exceed; None for no limit."""

    lut: int | None = None
    ff: int | None = None
    bram18: int | None = None
    dsp: int | None = None

    @property
    def limits(self) -> Table:
        """Float64 ``(kinds,)``, infinite where there is none."""
        return np.array([np.inf if limit is None else limit for limit in (self.lut, self.ff, self.bram18, self.dsp)])

    def holds(self, need: Resources) -> bool:
        """Whether something keeps to all limits."""
        return bool(np.all(np.array([need.lut, need.ff, need.bram18, need.dsp]) <= self.limits))

    @property
    def text(self) -> str:
        """The limits in words."""
        words = ((self.lut, "LUTs"), (self.ff, "flip-flops"), (self.bram18, "BRAM18"), (self.dsp, "DSPs"))
        return ", ".join(f"{limit} {what}" for limit, what in words if limit is not None)


UNLIMITED = Budget()


def solve(space: Space, interval: int, budget: Budget = UNLIMITED) -> tuple[int, ...] | None:
    """The cheapest folding of at most an interval that keeps to a budget.

    Returns:
        A position in each domain, or None. Without a budget, or where the cheapest of all keeps to it, it is the cheapest by
        :data:`PRICE`; else the cheapest of those that a sweep of prices gives. None with one limit means that there is no such folding; with
        several it means that, or that none was found among 10,000 choices where prices alone did not decide.
    """
    limits = budget.limits
    bounded = np.flatnonzero(np.isfinite(limits))
    weights = _weights(bounded)
    found = eliminate(space, weights, interval)
    if not np.isfinite(found.least[0]):
        return None
    cheapest = found.best(0)
    if np.all(space.cost(cheapest) <= limits):
        return cheapest
    if np.any(found.least[-len(bounded) :] > limits[bounded]):
        return None
    fitting = [choice for row in range(1, len(weights)) for choice in [found.best(row)] if np.all(space.cost(choice) <= limits)]
    if fitting:
        return min(fitting, key=lambda choice: float(PRICE @ space.cost(choice)))
    return _all_together(space, interval, budget)


def _all_together(space: Space, interval: int, budget: Budget) -> tuple[int, ...] | None:
    """A choice within several limits, each of which can be kept alone: prices rise where it exceeds them, until one fits or none can.

    A weighted sum of shares of the limits whose least value is more than the sum of its weights proves that none can.
    """
    limits = budget.limits
    units = np.array([row / max(limit, 0.5) for row, limit in zip(np.eye(len(KINDS)), limits, strict=True) if np.isfinite(limit)])
    weights = np.full(len(units), 1 / len(units))
    tried = []
    for _ in range(_ROUNDS):
        found = eliminate(space, (weights @ units)[None], interval)
        choice = found.best(0)
        if np.all(space.cost(choice) <= limits):
            return choice
        if found.least[0] > 1 + _ROUNDING:
            return None
        tried.append(weights)
        weights = weights * np.exp(_STEP * np.clip(units @ space.cost(choice) - 1, -1, 1))
        weights = weights / weights.sum()
    rows = np.array([*np.eye(len(units)), *tried[-_KEPT:]]) @ units
    bounds = np.array([*np.minimum(1, units @ np.nan_to_num(limits, posinf=0)), *np.ones(_KEPT)]) + _ROUNDING
    return _search(eliminate(space, rows, interval), bounds)


def fastest_within(space: Space, budget: Budget) -> Iterator[tuple[int, ...]]:
    """Foldings that keep to a budget: the fastest first, then ever slower ones.

    Raises:
        FoldingError: even the slowest is over the budget.
    """
    intervals = space.intervals()
    low, high = 0, len(intervals)
    while low < high:
        middle = (low + high) // 2
        if solve(space, intervals[middle], budget) is not None:
            high = middle
        else:
            low = middle + 1
    for cycles in intervals[low:]:
        choice = solve(space, cycles, budget)
        if choice is not None:
            yield choice
    raise FoldingError(over_budget(space, intervals[-1], budget))


def over_budget(space: Space, interval: int, budget: Budget) -> str:
    """Why no folding of at most an interval keeps to a budget: the least of each limited kind, and where most of it lies."""
    parts = []
    for index, limit in enumerate(budget.limits):
        if np.isfinite(limit):
            choice = eliminate(space, np.eye(len(KINDS))[[index]], interval).best(0)
            shares = {cell.name: float(cell.cost[(index, *(choice[v] for v in cell.variables))]) for cell in space.cells}
            largest = max(shares, key=lambda name: shares[name])
            parts.append(f"at least {space.cost(choice)[index]:.0f} {KINDS[index].upper()}, the largest share in node {largest}")
    return f"target of {budget.text} is out of reach at {interval} cycles a frame: it takes {'; '.join(parts)}"


def _weights(bounded: npt.NDArray[np.int64]) -> Table:
    """The price; prices that make what is limited dearer; each limited kind alone."""
    units = np.eye(len(KINDS))[bounded]
    dearer = [PRICE + emphasis * PRICE[kind] * unit for kind, unit in zip(bounded, units, strict=True) for emphasis in _EMPHASES]
    return np.array([PRICE, *dearer, *units])


def _search(found: Eliminated, bounds: Table) -> tuple[int, ...] | None:
    """The first choice within all limits, depth first; a branch is left when its least cost, which is known exactly, is over one."""
    steps = found.steps[::-1]
    choice = [0] * len(steps)
    open_ = [_options(steps[0], choice, found.least, bounds)]
    for _ in range(_MOST_CHOICES):
        if not open_:
            return None
        taken = next(open_[-1], None)
        if taken is None:
            open_.pop()
            continue
        choice[steps[len(open_) - 1].variable], spent = taken
        if len(open_) == len(steps):
            return tuple(choice)
        open_.append(_options(steps[len(open_)], choice, spent, bounds))
    return None


def _options(step: Step, choice: list[int], spent: Table, bounds: Table) -> Iterator[tuple[int, Table]]:
    """Values of a variable that can still end within the limits, the most promising first, with the least costs then."""
    costs = step.costs(choice)
    least = costs.min(axis=1, keepdims=True)
    after = spent[:, None] + np.subtract(costs, least, out=np.full_like(costs, np.inf), where=np.isfinite(costs))
    allowed = np.flatnonzero(np.all(after <= bounds[:, None], axis=0))
    for position in sorted(allowed.tolist(), key=lambda value: float(after[-1, value])):
        yield position, after[:, position]
