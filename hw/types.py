"""Integer types of streams: BIPOLAR, or signed/unsigned with 1 to 32 bits (see docs/dataflow-graph.md, "Streams")."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from xnorflow.errors import BadInputError

IntArray = npt.NDArray[np.int64]
MAX_BITS = 32


@dataclass(frozen=True)
class IntType:
    """The type of one stream element.

    Attributes:
        bits: width on the wire, 1 to 32.
        signed: two's complement if true.
        bipolar: the two values -1 (bit 0) and +1 (bit 1); then ``bits`` is 1 and ``signed`` is true.
    """

    bits: int
    signed: bool
    bipolar: bool = False

    def __post_init__(self) -> None:
        if not 1 <= self.bits <= MAX_BITS:
            raise BadInputError(f"a stream element of {self.bits} bits is not supported; 1 to {MAX_BITS} are")
        if self.bipolar and not (self.bits == 1 and self.signed):
            raise BadInputError("a BIPOLAR element has exactly one bit")

    @property
    def name(self) -> str:
        """``BIPOLAR``, ``INT<bits>`` or ``UINT<bits>``, as QONNX spells it."""
        return "BIPOLAR" if self.bipolar else f"{'INT' if self.signed else 'UINT'}{self.bits}"

    @property
    def minimum(self) -> int:
        """The least value."""
        if self.bipolar:
            return -1
        return -(1 << (self.bits - 1)) if self.signed else 0

    @property
    def maximum(self) -> int:
        """The greatest value."""
        if self.bipolar:
            return 1
        return (1 << (self.bits - 1)) - 1 if self.signed else (1 << self.bits) - 1

    @property
    def signed_bits(self) -> int:
        """Width as a number in two's complement: one bit more where it is unsigned or BIPOLAR."""
        return self.bits if self.signed and not self.bipolar else self.bits + 1

    def allows(self, values: IntArray) -> bool:
        """Whether every value is one of this type's."""
        if values.size == 0:
            return True
        if self.bipolar:
            return bool(np.all((values == -1) | (values == 1)))
        return bool(values.min() >= self.minimum and values.max() <= self.maximum)

    def encode(self, values: IntArray) -> npt.NDArray[np.uint64]:
        """Bit patterns of the values (``bits`` low bits of each word), -1 of BIPOLAR as 0."""
        if self.bipolar:
            return (values > 0).astype(np.uint64)
        return values.astype(np.int64).view(np.uint64) & np.uint64((1 << self.bits) - 1)

    def decode(self, codes: npt.NDArray[np.uint64]) -> IntArray:
        """The inverse of :meth:`encode`."""
        values = codes.astype(np.int64)
        if self.bipolar:
            return 2 * values - 1
        if self.signed:
            values = np.where(values > self.maximum, values - (1 << self.bits), values)
        return values

    @classmethod
    def parse(cls, name: str) -> IntType:
        """Read a type name.

        Raises:
            BadInputError: the name is none of BIPOLAR, INT1..INT32, UINT1..UINT32.
        """
        if name == "BIPOLAR":
            return BIPOLAR
        match = re.fullmatch(r"(U?)INT(\d+)", name)
        if not match:
            raise BadInputError(f"stream type {name!r} is unknown; accepted are BIPOLAR, INT1..INT32 and UINT1..UINT32")
        return cls(int(match[2]), not match[1])

    @classmethod
    def containing(cls, low: int, high: int) -> IntType:
        """The narrowest non-bipolar type that holds ``low``..``high``.

        Raises:
            BadInputError: more than 32 bits are needed.
        """
        if low >= 0:
            return cls(max(1, int(high).bit_length()), signed=False)
        return cls(max(int(-low - 1).bit_length(), int(max(high, 0)).bit_length()) + 1, signed=True)


BIPOLAR = IntType(1, signed=True, bipolar=True)
