"""When a bench offers beats and when it takes them: named, seeded, replayable patterns of gaps and stalls."""

from __future__ import annotations

import random
from dataclasses import dataclass


@dataclass(frozen=True)
class Pattern:
    """How often a side pauses.

    Attributes:
        name: what reports call it.
        gap: probability that the source pauses before a beat.
        stall: probability that the sink is not ready in a cycle.
        burst: cycles that a pause lasts on average.
    """

    name: str
    gap: float
    stall: float
    burst: int = 1


FREE = Pattern("free", 0.0, 0.0)
PATTERNS = (
    Pattern("light", 0.25, 0.25),
    Pattern("gaps", 0.6, 0.0),
    Pattern("stalls", 0.0, 0.6),
    Pattern("heavy", 0.75, 0.75),
    Pattern("bursts", 0.1, 0.1, burst=8),
)


class Pauses:
    """A seeded sequence of "pause now?"; pauses last ``burst`` cycles on average."""

    def __init__(self, probability: float, burst: int, seed: str) -> None:
        self._random = random.Random(seed)
        self._probability = probability
        self._burst = burst
        self._left = 0

    def next(self) -> bool:
        """Whether this cycle is a pause."""
        if self._left == 0 and self._probability and self._random.random() < self._probability:
            self._left = self._random.randint(1, 2 * self._burst - 1)
        if self._left:
            self._left -= 1
            return True
        return False
