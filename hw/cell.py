"""What a node hands to the emitter and the estimator: its RTL cell, and what the cell costs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    import numpy.typing as npt


@dataclass(frozen=True)
class Resources:
    """xc7 resources: LUTs (logic and LUT RAM), flip-flops, BRAM18 halves, DSP48 slices."""

    lut: float = 0.0
    ff: float = 0.0
    bram18: int = 0
    dsp: int = 0

    def __add__(self, other: Resources) -> Resources:
        return Resources(self.lut + other.lut, self.ff + other.ff, self.bram18 + other.bram18, self.dsp + other.dsp)


@dataclass(frozen=True)
class Memory:
    """A ROM image: ``words[i]`` are the bits of address i, as a ``(depth, width)`` uint8 array, bit 0 first."""

    words: npt.NDArray[np.uint8]


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
