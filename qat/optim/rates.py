"""The learning rate over a stage, as a factor of its highest value."""

from __future__ import annotations

import math

from xnorflow.errors import BadInputError

SCHEDULES = ("cosine", "linear", "step", "constant")
UNITS = ("step", "epoch")


class RateSchedule:
    """Factor of the learning rate at a step: a warm-up, then a fall.

    ``cosine`` and ``linear`` fall from 1 to ``end`` between the end of the warm-up and the end of the stage, ``step`` multiplies by
    ``factor`` at each of ``drops``, ``constant`` stays. All attributes are plain values, for torch keeps them in the checkpoint.

    Args:
        kind: one of :data:`SCHEDULES`.
        total: iterations of the whole stage.
        stride: iterations for which a factor stays: 1, or those of an epoch where the paper changes the rate once an epoch.
        rising: iterations of the warm-up, which is linear.
        start: factor at the first iteration of a warm-up; 0 stands for the first of ``rising / stride + 1`` equal parts, for a rate of
            zero would learn nothing.
        end: factor that ``cosine`` and ``linear`` fall to.
        drops: iterations at which ``step`` multiplies by ``factor``.
        factor: of ``step``.
    """

    def __init__(
        self,
        kind: str,
        total: int,
        *,
        stride: int = 1,
        rising: float = 0.0,
        start: float = 0.0,
        end: float = 0.0,
        drops: tuple[int, ...] = (),
        factor: float = 0.1,
    ) -> None:
        if kind not in SCHEDULES:
            raise BadInputError(f"schedule {kind!r} is not known; known are {', '.join(SCHEDULES)}")
        self.kind, self.total, self.stride = kind, total, stride
        self.rising, self.start, self.end = rising, start, end
        self.drops, self.factor = list(drops), factor

    def __call__(self, step: int) -> float:
        """The factor after ``step`` iterations."""
        position = step - step % self.stride
        if position < self.rising:
            if self.start == 0:
                return (position + self.stride) / (self.rising + self.stride)
            return self.start + (1 - self.start) * position / self.rising
        if self.kind == "constant":
            return 1.0
        if self.kind == "step":
            return float(self.factor ** sum(position >= drop for drop in self.drops))
        share = min(1.0, (position - self.rising) / (self.total - self.rising))
        height = 1 - share if self.kind == "linear" else 0.5 * (1 + math.cos(math.pi * share))
        return self.end + (1 - self.end) * height
