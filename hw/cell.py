"""What a node hands to the emitter and the estimator: its RTL cell, and what the cell costs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from xnorflow.hw.types import IntArray


@dataclass(frozen=True)
class Resources:
    """xc7 resources: LUTs (logic and LUT RAM), flip-flops, BRAM18 halves, DSP48 slices."""

    lut: float = 0.0
    ff: float = 0.0
    bram18: int = 0
    dsp: int = 0

    def __add__(self, other: Resources) -> Resources:
        return Resources(self.lut + other.lut, self.ff + other.ff, self.bram18 + other.bram18, self.dsp + other.dsp)

    def __mul__(self, times: int) -> Resources:
        return Resources(self.lut * times, self.ff * times, self.bram18 * times, self.dsp * times)


@dataclass(frozen=True)
class Memory:
    """A ROM image: ``words[i]`` are the bits of address i, as a ``(depth, width)`` uint8 array, bit 0 first."""

    words: npt.NDArray[np.uint8]

    @classmethod
    def of(cls, fields: IntArray, bits: int) -> Memory:
        """Words of equally wide fields.

        Args:
            fields: int64 ``(depth, n)``; field 0 lies in the lowest bits, negative values become two's complement.
            bits: width of a field.
        """
        return cls(field_bits(fields, bits).reshape(len(fields), -1))


def field_bits(fields: IntArray, bits: int) -> npt.NDArray[np.uint8]:
    """The ``bits`` low bits of each value, lowest first, on a new last axis."""
    shifted = fields.astype(np.int64)[..., None] >> np.arange(bits, dtype=np.int64)
    return (shifted & 1).astype(np.uint8)


def period(words: npt.NDArray[np.generic]) -> int:
    """After how many words a memory that is read round and round repeats itself; divides the number of words."""
    count = len(words)
    return next(p for p in range(1, count + 1) if count % p == 0 and np.array_equal(words[p:], words[:-p] if p < count else words[count:]))


def address_bits(depth: int) -> int:
    """Width of an address into ``depth`` words, at least 1."""
    return max(1, (depth - 1).bit_length())


@dataclass(frozen=True)
class Cell:
    """One instance of a library module.

    Attributes:
        module: file and module name in ``hw/rtl`` without suffix, such as ``xf_matvec``.
        parameters: integer parameters by name (UpperCamelCase).
        memories: string parameter that takes the ``$readmemh`` file name -> the image to write there.
    """

    module: str
    parameters: Mapping[str, int]
    memories: Mapping[str, Memory] = field(default_factory=dict)
