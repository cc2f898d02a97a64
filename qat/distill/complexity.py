"""Knowledge complexity: which teacher a binary student can follow (BNext)."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from xnorflow.errors import BadInputError


@dataclass(frozen=True)
class Teacher:
    """What is known of a possible teacher.

    Attributes:
        name: any.
        parameters: number of parameters.
        accuracy: top-1 accuracy, a fraction in [0, 1].
    """

    name: str
    parameters: int
    accuracy: float

    def __post_init__(self) -> None:
        if self.parameters < 1 or not 0 <= self.accuracy <= 1:
            raise BadInputError(f"teacher {self.name}: {self.parameters} parameters, accuracy {self.accuracy}; a fraction in [0, 1] is needed")

    @property
    def complexity(self) -> float:
        """``log10(1 + parameters in millions / (accuracy + 1e-8))`` (BNext; base and unit are those that give its Table 9)."""
        return math.log10(1 + self.parameters / 1e6 / (self.accuracy + 1e-8))


def order(teacher: Teacher) -> tuple[float, float, str]:
    """Sorts teachers by ascending complexity, ties by descending accuracy."""
    return teacher.complexity, -teacher.accuracy, teacher.name


def ranking(teachers: Iterable[Teacher]) -> tuple[Teacher, ...]:
    """Teachers by ascending complexity, ties by descending accuracy: the order in which assistants take turns."""
    return tuple(sorted(teachers, key=order))
