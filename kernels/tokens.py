"""Transfer times of a network of cells (``hw/timing.py`` says what they mean), found beat by beat in C++."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from xnorflow import _kernels

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class TokenLink:
    """One cell between one of its inputs and one of its outputs; the arrays are those of a frame, as in ``hw.timing.Timing``.

    Attributes:
        need, gap: int64, one a beat made; ``gap`` may be a broadcast scalar, which takes no memory.
        room: int64, one a beat taken.
        latency, queue: cycles, and results that wait at the output.
        taken, made: numbers of the streams.
    """

    need: IntArray
    room: IntArray
    gap: IntArray
    latency: int
    queue: int
    taken: int
    made: int


class TokenModel:
    """The least transfer times of frames back to back; memory grows with what is in flight, not with the frames.

    Args:
        links: of all cells.
        streams: how many; 0 is the network's input, the last one its output.
        watches: pairs of streams, written and read, between which the most beats held are wanted.
        source_interval: cycles over which the source spreads the beats of a frame; 0 for a beat whenever it is taken.
        keep: keep the times of every stream.

    Raises:
        BadInputError: streams that do not exist, or whose two ends count different beats.
    """

    def __init__(
        self, links: Sequence[TokenLink], streams: int, *, watches: Sequence[tuple[int, int]] = (), source_interval: int = 0, keep: bool = False
    ) -> None:
        cells = [(k.need, k.room, k.gap, k.latency, k.queue, k.taken, k.made) for k in links]
        self._native = _kernels.TokenModel(cells, streams, list(watches), source_interval, keep)
        self._streams, self._keep = streams, keep

    def run(self, frames: int, limit: int) -> bool:
        """Go on to so many frames in all; False where a transfer is later than ``limit`` or waits for ever, and the model is spent."""
        return self._native.run(frames, limit)

    @property
    def frame_ends(self) -> IntArray:
        """Cycle in which each frame's last beat leaves, int64 ``(frames,)``."""
        return self._native.frame_ends()

    @property
    def held(self) -> tuple[int, ...]:
        """For each watch, the most beats that were written and not read in an earlier cycle, in front of a write."""
        return tuple(self._native.held().tolist())

    @property
    def times(self) -> tuple[IntArray, ...]:
        """The cycle of every transfer of every stream, int64 ``(frames * beats,)``; none unless they are kept."""
        return tuple(self._native.times(stream) for stream in range(self._streams)) if self._keep else ()
