"""An Affine node for a chain of floats between integers and a quantiser of many levels.

The slopes come from the chain's own constants; addends are then read off the chain's values over every reachable input, so
what is returned equals the chain everywhere, and None is returned where no such node exists.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from xnorflow.hw.chain import FloatChain, StepKind
from xnorflow.hw.nodes import Affine

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from xnorflow.hw.lowering.float_nodes import Quantise
    from xnorflow.hw.types import IntArray

    BoolArray = np.ndarray[tuple[int], np.dtype[np.bool_]]
    FloatSlopes = npt.NDArray[np.float64]

_MOST_SHIFT = 24
_FAR = 1 << 62
_BENDS = (StepKind.PRELU, StepKind.RELU)


@dataclass(frozen=True, eq=False)
class _Piece:
    """One slope of one channel over a stretch of its inputs: ``codes[i]`` is wanted of ``first + i``."""

    slope: float
    first: int
    codes: IntArray


def affine_of(node: Quantise, low: IntArray, curves: list[IntArray]) -> Affine | None:
    """The Affine with the fewest fraction bits that equals a chain; None where none does.

    Args:
        node: the chain.
        low: least input of each channel, ``(C,)``.
        curves: for each channel the chain's codes of ``low``, ``low + 1``, ...
    """
    if node.out_type.bipolar:
        return None
    slopes = _slopes(node.chain, len(curves))
    if slopes is None:
        return None
    knees = _knees(node.chain, low, curves) if slopes.shape[1] == 2 else None
    for pieces in (1, 2):
        if pieces == 2 and knees is None:
            return None
        channels = [_pieces(slopes[c], int(low[c]), curve, None if pieces == 1 or knees is None else knees[c]) for c, curve in enumerate(curves)]
        for shift in range(_MOST_SHIFT + 1):
            found = _lines(channels, shift, node)
            if found is not None:
                return _node(node, shift, found, low if knees is None else np.array([knee for knee, _ in knees], dtype=np.int64))
    return None


def _lines(channels: Sequence[Sequence[_Piece]], shift: int, node: Quantise) -> list[list[tuple[int, int]]] | None:
    """Multipliers and addends of all pieces with one shift; None from the first piece on that has none."""
    found: list[list[tuple[int, int]]] = []
    for channel in channels:
        lines = []
        for piece in channel:
            line = _line(piece, shift, node)
            if line is None:
                return None
            lines.append(line)
        found.append(lines)
    return found


def affine_of_thresholds(node: Quantise, thresholds: IntArray, negate: BoolArray, base: int, low: IntArray, high: IntArray) -> Affine | None:
    """The Affine of one piece that equals a monotone chain over a range too large to list; None where there is none.

    Both are non-decreasing steps of ``z = -x`` in negated channels and of ``z = x`` elsewhere, so they are equal where each code
    begins at the same z.

    Args:
        node: the chain.
        thresholds: for each channel the least z of the codes ``base + 1``, ``base + 2``, ...; beyond the range for always and never.
        negate: bool ``(C,)``.
        base: the least code.
        low: least input of each channel.
        high: greatest input of each channel.
    """
    slopes = _slopes(node.chain, len(low))
    if slopes is None:
        return None
    start, stop = (np.where(negate, -b, a)[:, None] for a, b in ((low, high), (high, low)))
    codes = np.concatenate([[base], base + 1 + np.arange(thresholds.shape[1])])
    # From z = begins[c, i] on, and not before, the code is at least codes[i]; the last one's successor never comes.
    begins = np.concatenate([start, np.clip(thresholds, start, stop + 1)], axis=1)
    above = (begins <= stop) & (codes > node.out_type.minimum)
    below = np.concatenate([begins[:, 1:], stop + 1], axis=1)
    ends = (below > start) & (codes < node.out_type.maximum)
    for shift in range(_MOST_SHIFT + 1):
        mul = np.rint(np.abs(slopes[:, :1]) * (1 << shift)).astype(np.int64)
        least = np.where(above, (codes << shift) - mul * begins, -_FAR).max(axis=1)
        most = np.where(ends, ((codes + 1) << shift) - mul * (below - 1) - 1, _FAR).min(axis=1)
        if np.all(least <= most):
            add = [_between(lo, hi) for lo, hi in zip(least.tolist(), most.tolist(), strict=True)]
            signed = np.where(negate, -mul[:, 0], mul[:, 0]).tolist()
            return _node(node, shift, [[line] for line in zip(signed, add, strict=True)], low)
    return None


def _node(node: Quantise, shift: int, lines: Sequence[Sequence[tuple[int, int]]], knees: IntArray) -> Affine:
    values = np.array(lines, dtype=np.int64)
    knee = knees if values.shape[1] == 2 else np.empty(0, dtype=np.int64)
    mul, add = np.ascontiguousarray(values[..., 0]), np.ascontiguousarray(values[..., 1])
    return Affine(name=node.name, inputs=node.inputs, outputs=node.outputs, mul=mul, add=add, knee=knee, shift=shift, out_type=node.out_type)


def _slopes(chain: FloatChain, channels: int) -> FloatSlopes | None:
    """Codes per input step of each channel: ``(C, 1)``, or ``(C, 2)`` above and below a bend; None where there are two bends."""
    slope = np.ones((channels, 1), dtype=np.float64)
    for step in chain.steps:
        operand = step.operands[0].astype(np.float64)[:, None] if step.operands else np.ones((1, 1))
        if step.kind is StepKind.MUL:
            slope = slope * operand
        elif step.kind is StepKind.DIV:
            slope = slope / operand
        elif step.kind is StepKind.RSUB:
            slope = -slope
        elif step.kind in _BENDS:
            if slope.shape[1] == 2:
                return None
            slope = np.concatenate([slope, slope * (operand if step.kind is StepKind.PRELU else 0.0)], axis=1)
        elif step.kind in (StepKind.SIGN, StepKind.SIGMOID):
            return None
    return slope


def _knees(chain: FloatChain, low: IntArray, curves: list[IntArray]) -> list[tuple[int, bool]]:
    """For each channel the first input beyond the bend, and whether the bend's lower side lies below it."""
    bend = next(i for i, step in enumerate(chain.steps) if step.kind in _BENDS)
    before = FloatChain(chain.steps[:bend])
    span = max(len(curve) for curve in curves)
    values = before.apply(low + np.arange(span, dtype=np.int64)[:, None])
    return [_knee(values[: len(curve), c] < 0, int(low[c])) for c, curve in enumerate(curves)]


def _knee(below: npt.NDArray[np.bool_], low: int) -> tuple[int, bool]:
    rising = bool(below[0])
    return low + int(np.count_nonzero(below == rising)), rising


def _pieces(slopes: FloatSlopes, low: int, curve: IntArray, knee: tuple[int, bool] | None) -> list[_Piece]:
    """The stretch from the knee on, then the one below it; a stretch without inputs is empty."""
    if knee is None:
        return [_Piece(float(slopes[0]), low, curve)]
    at, rising = knee
    upper, lower = (slopes[0], slopes[1]) if rising else (slopes[1], slopes[0])
    return [_Piece(float(upper), at, curve[at - low :]), _Piece(float(lower), low, curve[: at - low])]


def _line(piece: _Piece, shift: int, node: Quantise) -> tuple[int, int] | None:
    """Multiplier and addend whose ``(mul * x + add) >> shift``, saturated, are the codes; None where there are none."""
    if not len(piece.codes):
        return 0, 0
    mul = round(piece.slope * (1 << shift))
    scaled = mul * (piece.first + np.arange(len(piece.codes), dtype=np.int64))
    above, below = piece.codes > node.out_type.minimum, piece.codes < node.out_type.maximum
    least = ((piece.codes << shift) - scaled)[above]
    most = (((piece.codes + 1) << shift) - scaled - 1)[below]
    low, high = int(least.max(initial=-_FAR)), int(most.min(initial=_FAR))
    return None if low > high else (mul, _between(low, high))


def _between(low: int, high: int) -> int:
    """The number of a range with the most trailing zeros, which costs the least; of a range open to one side, its end."""
    if low <= 0 <= high:
        return 0
    if low == -_FAR or high == _FAR:
        return high if low == -_FAR else low
    sign, small, large = (1, low, high) if low > 0 else (-1, -high, -low)
    bits = (small - 1 ^ large).bit_length() - 1
    return sign * (large >> bits << bits)
