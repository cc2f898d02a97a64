"""Integer arrays to the bytes of an AXI4-Stream and back: ``lanes`` elements a beat, element 0 in the lowest bits, padded with zeros."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from xnorflow.errors import CheckFailedError

if TYPE_CHECKING:
    from xnorflow.hw.graph import StreamType
    from xnorflow.hw.types import IntArray

ByteArray = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class BeatFormat:
    """How one stream lies on the wire.

    Attributes:
        kind: shape and type of a frame.
        lanes: elements a beat; divides the elements of a frame.
    """

    kind: StreamType
    lanes: int

    def __post_init__(self) -> None:
        assert self.lanes >= 1, f"{self.lanes} lanes"
        assert self.kind.size % self.lanes == 0, f"{self.lanes} lanes over {self.kind.size} elements"

    @property
    def bits(self) -> int:
        """Payload bits of a beat."""
        return self.lanes * self.kind.dtype.bits

    @property
    def bytes(self) -> int:
        """Bytes of a beat on the AXI4-Stream."""
        return (self.bits + 7) // 8

    @property
    def beats(self) -> int:
        """Beats of a frame."""
        return self.kind.beats(self.lanes)

    def pack(self, values: IntArray) -> ByteArray:
        """Integers ``(N, *shape)`` to bytes ``(N, beats, bytes)``; the values must be of the stream's type."""
        width = self.kind.dtype.bits
        codes = self.kind.dtype.encode(values.reshape(-1, self.lanes))
        if width in (8, 16, 32):
            data = codes.astype(f"<u{width // 8}").view(np.uint8)
        else:
            data = np.packbits(_to_bits(codes, width), axis=-1, bitorder="little")
        return data.reshape(len(values), self.beats, self.bytes)

    def unpack(self, data: ByteArray) -> IntArray:
        """The inverse of :meth:`pack`: bytes ``(N, beats, bytes)`` to int64 ``(N, *shape)``.

        Raises:
            CheckFailedError: a padding bit above the payload is not zero.
        """
        frames, width = len(data), self.kind.dtype.bits
        rows = np.ascontiguousarray(data).reshape(-1, self.bytes)
        self._check_padding(rows)
        if width in (8, 16, 32):
            codes = rows.view(f"<u{width // 8}").astype(np.uint64)
        else:
            codes = _from_bits(np.unpackbits(rows, axis=-1, count=self.bits, bitorder="little"), width)
        return self.kind.dtype.decode(codes).reshape(frames, *self.kind.shape)

    def _check_padding(self, rows: ByteArray) -> None:
        used = self.bits % 8
        if used and np.any(rows[:, -1] >> used):
            beat = int(np.flatnonzero(rows[:, -1] >> used)[0])
            raise CheckFailedError(f"beat {beat % self.beats} of frame {beat // self.beats} has bits set above its {self.bits} payload bits")


def _to_bits(codes: npt.NDArray[np.uint64], width: int) -> ByteArray:
    if width == 1:
        return codes.astype(np.uint8)
    small = codes.astype(np.uint32)
    bits = np.empty((*codes.shape, width), dtype=np.uint8)
    for bit in range(width):
        bits[..., bit] = (small >> np.uint32(bit)) & np.uint32(1)
    return bits.reshape(len(codes), -1)


def _from_bits(bits: ByteArray, width: int) -> npt.NDArray[np.uint64]:
    if width == 1:
        return bits.astype(np.uint64)
    columns = bits.reshape(len(bits), bits.shape[1] // width, width)
    codes = np.zeros(columns.shape[:2], dtype=np.uint32)
    for bit in range(width):
        codes |= columns[..., bit].astype(np.uint32) << np.uint32(bit)
    return codes.astype(np.uint64)
