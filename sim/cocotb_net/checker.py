"""Compares frames with what the interpreter made of them (the bench's model; it is computed before the simulation)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from xnorflow.sim.packing import ByteArray


class Checker:
    """Expects the outputs of frames in order.

    Args:
        expected: uint8 ``(N, beats, bytes)``.
        seed: of the bench, for messages.
    """

    def __init__(self, expected: ByteArray, seed: int) -> None:
        self._expected, self._seed = expected, seed

    def check(self, number: int, frame: bytes) -> None:
        """Compare the output of image ``number``."""
        wanted = self._expected[number]
        assert len(frame) == wanted.size, f"image {number}: TLAST after {len(frame)} bytes, not {wanted.size} (seed {self._seed})"
        width = wanted.shape[1]
        for beat, expected in enumerate(wanted):
            got = frame[beat * width : (beat + 1) * width]
            assert got == expected.tobytes(), f"image {number}, beat {beat}: {got.hex()} instead of {expected.tobytes().hex()} (seed {self._seed})"
