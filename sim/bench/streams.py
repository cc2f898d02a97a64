"""The two ends of a valid/ready stream: a source that offers beats and a sink that takes and checks them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xnorflow.sim.bench.patterns import Pauses

if TYPE_CHECKING:
    from collections.abc import Sequence

    from xnorflow.sim.bench.patterns import Pattern


class Source:
    """Offers beats in order; keeps valid and data until the beat is taken.

    Attributes:
        valid: whether a beat is offered in this cycle.
        taken: cycles in which beats were taken.
    """

    def __init__(self, beats: Sequence[int], pattern: Pattern, seed: str) -> None:
        self._beats = beats
        self._pauses = Pauses(pattern.gap, pattern.burst, f"source {seed}")
        self.valid = False
        self.taken: list[int] = []

    @property
    def done(self) -> bool:
        """Whether all beats were taken."""
        return len(self.taken) == len(self._beats)

    @property
    def data(self) -> int:
        """The beat that is offered."""
        return self._beats[len(self.taken)]

    def drive(self) -> None:
        """Choose what to offer in this cycle."""
        if not self.valid:
            self.valid = len(self.taken) < len(self._beats) and not self._pauses.next()

    def sample(self, ready: bool, cycle: int) -> None:
        """See whether the beat is taken in this cycle."""
        if self.valid and ready:
            self.taken.append(cycle)
            self.valid = False


class Sink:
    """Takes beats and compares them with what is expected.

    Attributes:
        ready: whether a beat is taken in this cycle if one is offered.
        made: cycles in which beats came.
    """

    def __init__(self, expected: Sequence[int], pattern: Pattern, seed: str) -> None:
        self._expected = expected
        self._pauses = Pauses(pattern.stall, pattern.burst, f"sink {seed}")
        self.ready = False
        self.made: list[int] = []

    @property
    def done(self) -> bool:
        """Whether all expected beats came."""
        return len(self.made) == len(self._expected)

    def drive(self) -> None:
        """Choose whether to take a beat in this cycle."""
        self.ready = not self.done and not self._pauses.next()

    def sample(self, data: int, cycle: int) -> str | None:
        """Take a beat; -1 stands for undefined bits.

        Returns:
            What is wrong with it, or None.
        """
        beat, expected = len(self.made), self._expected[len(self.made)]
        self.made.append(cycle)
        return None if data == expected else f"beat {beat} is {'undefined' if data < 0 else f'{data:#x}'}, not {expected:#x}"
