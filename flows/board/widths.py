"""How wide the DMA's streams are: as wide as a beat where that is a width the DMA has, else what divides up without a rest."""

from __future__ import annotations

from math import lcm

from xnorflow.errors import BadInputError

_WIDEST_BEAT = 512  # bytes that the stock width converter takes


def dma_bytes(beat: int, frame: int, most: int) -> int:
    """Bytes of a beat of the DMA.

    A frame is a whole number of the least common multiple of both beats, so that a width converter between them never meets a
    partial beat.

    Args:
        beat: bytes of a beat of the network.
        frame: bytes of a frame.
        most: bytes of a beat of the memory port.

    Raises:
        BadInputError: the beat is wider than the converter takes.
    """
    if beat <= most and beat & (beat - 1) == 0:
        return beat
    if beat > _WIDEST_BEAT:
        raise BadInputError(f"a beat of {beat} bytes is wider than the {_WIDEST_BEAT} that AMD's stream width converter takes; fold the network more")
    return next(p for p in _halves(most) if lcm(p, beat) <= _WIDEST_BEAT and frame % lcm(p, beat) == 0)


def _halves(most: int) -> list[int]:
    assert most & (most - 1) == 0, f"{most} is no power of two"
    return [most >> shift for shift in range(most.bit_length())]
