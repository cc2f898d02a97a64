"""Quantised constants: a weight tensor as integer codes times a positive scale."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from xnorflow.errors import UnsupportedModelError
from xnorflow.hw.types import BIPOLAR, IntType

if TYPE_CHECKING:
    from xnorflow.hw.chain import AnyArray, FloatArray
    from xnorflow.hw.types import IntArray

MAX_WEIGHT_BITS = 8
_FRACTION_BITS = 24


@dataclass(frozen=True, eq=False)
class QuantisedConstant:
    """``values = float32(codes) * scale``, element by element.

    Attributes:
        codes: int64, the tensor's shape.
        scale: float32, the tensor's shape.
        kind: type of the codes.
    """

    codes: IntArray
    scale: FloatArray
    kind: IntType

    def reshaped(self, change: Any) -> QuantisedConstant:
        """The same constant after a change of shape or order, given as a function of one array."""
        return QuantisedConstant(change(self.codes), change(self.scale), self.kind)

    def scaled(self, factor: AnyArray) -> QuantisedConstant | None:
        """The constant times a factor; None where that is not a positive scale of the same shape."""
        scale = (self.scale * factor).astype(np.float32)
        if scale.shape != self.codes.shape or not np.all(scale > 0):
            return None
        return QuantisedConstant(self.codes, scale, self.kind)


def from_values(where: str, values: AnyArray) -> QuantisedConstant:
    """Codes of plain float weights ``(M, ...)`` that lie on a grid already: one magnitude a row, or a power-of-two grid.

    Raises:
        UnsupportedModelError: they are not quantised to 8 bits.
    """
    rows = values.reshape(len(values), -1).astype(np.float32)
    magnitude = np.abs(rows).max(axis=1, keepdims=True)
    if np.all(np.abs(rows) == magnitude) and np.all(magnitude > 0):
        scale = np.broadcast_to(magnitude, rows.shape)
        return QuantisedConstant(np.sign(rows).astype(np.int64), scale, BIPOLAR).reshaped(lambda a: a.reshape(values.shape))
    grid = grid_of(rows)
    codes = np.rint(rows / grid).astype(np.int64)
    kind = IntType.containing(int(codes.min()), max(int(codes.max()), 0)) if np.abs(codes).max() < 1 << MAX_WEIGHT_BITS else None
    if kind is None or kind.bits > MAX_WEIGHT_BITS:
        raise UnsupportedModelError(f"{where}: the weights are plain floats, not quantised; Quant or BipolarQuant of 1 to 8 bits is accepted")
    return QuantisedConstant(codes, np.full(rows.shape, grid, dtype=np.float32), kind).reshaped(lambda a: a.reshape(values.shape))


def grid_of(values: AnyArray) -> float:
    """The greatest power of two of which every value is a multiple; 1 where all are zero."""
    nonzero = np.abs(values[values != 0]).astype(np.float64)
    if nonzero.size == 0:
        return 1.0
    fraction, exponent = np.frexp(nonzero)
    mantissa = np.rint(fraction * (1 << _FRACTION_BITS)).astype(np.int64)
    lowest = mantissa & -mantissa
    return float(np.min(np.ldexp(lowest.astype(np.float64), exponent - _FRACTION_BITS)))


def is_exact_sum(weights: AnyArray, inputs: AnyArray, bias: AnyArray | None = None) -> bool:
    """Whether float32 sums of ``weights @ x`` are exact in any order, for every x with elements out of ``inputs``.

    All partial sums are multiples of one power of two, and none needs more than 24 bits.

    Args:
        weights: float ``(M, K)``.
        inputs: every value that an input element can have.
        bias: ``(M,)`` that the runtime adds within the sum, or None.
    """
    top = float(np.abs(inputs).max(initial=0))
    step = grid_of(inputs)
    for row, extra in zip(weights, np.zeros(len(weights)) if bias is None else bias, strict=True):
        lsb = grid_of(row) * step
        if extra:
            lsb = min(lsb, grid_of(np.asarray([extra])))
        if float(np.abs(row).sum()) * top + abs(float(extra)) >= lsb * (1 << _FRACTION_BITS):
            return False
    return True
