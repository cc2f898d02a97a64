"""An Affine node for a chain that float32 computes without rounding, whatever its input: by algebra, not by evaluation.

Every value in the chain of an integerised network is an integer times a power of two. Where no integer passes 2^24, float32 rounds
nothing, the chain is ``(mul * x + add) * 2**-fraction`` exactly, and its floor is an Affine. The cost does not grow with the range.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from xnorflow.hw.chain import FloatStep, StepKind
from xnorflow.hw.nodes import Affine
from xnorflow.hw.nodes.affine import MAX_SUM_BITS

if TYPE_CHECKING:
    from xnorflow.hw.chain import FloatArray
    from xnorflow.hw.lowering.float_nodes import Quantise
    from xnorflow.hw.types import IntArray, IntType

_EXACT = 1 << 24
_MOST_ALIGNED = 30  # bits between two grids, so that aligning them stays within int64
_MOST_FRACTION = 100  # far from where float32 loses small numbers
_MOST_SHIFT = 40
_SIGNIFICANT = 24
_ROUNDINGS = (StepKind.ROUND, StepKind.HALF_UP, StepKind.HALF_DOWN, StepKind.ROUND_UP, StepKind.ROUND_DOWN, StepKind.CEIL)


@dataclass(frozen=True, eq=False)
class _Lines:
    """``(mul * x + add) * 2**-fraction`` in each channel and piece; int64 ``(C, P)`` all, ``low`` and ``high`` bound the integer.

    Attributes:
        knee: int64 ``(C,)`` where there are two pieces; the second is for ``x < knee``.
    """

    mul: IntArray
    add: IntArray
    fraction: IntArray
    low: IntArray
    high: IntArray
    knee: IntArray | None = None

    @property
    def exact(self) -> bool:
        """Whether float32 holds all of it."""
        greatest = np.maximum(np.abs(self.low), np.abs(self.high)).max()
        return bool(greatest <= _EXACT and np.abs(self.fraction).max() <= _MOST_FRACTION)


def exact_affine(node: Quantise, kind: IntType, low: IntArray, high: IntArray) -> Affine | None:
    """The Affine that equals a chain on every input between two bounds; None where float32 may round, or the chain is none.

    Args:
        node: the chain.
        kind: type of the input.
        low: least input of each channel, int64 ``(C,)``.
        high: greatest input.
    """
    if node.out_type.bipolar:
        return None
    one, none = np.ones((len(low), 1), dtype=np.int64), np.zeros((len(low), 1), dtype=np.int64)
    lines: _Lines | None = _Lines(one, none, none, low[:, None], high[:, None])
    steps = list(node.chain.steps)
    while steps and lines is not None and lines.exact and steps[0].kind not in (StepKind.CLIP, StepKind.FLOOR, *_ROUNDINGS):
        lines = _step(lines, steps.pop(0), low, high)
    if lines is None or not lines.exact or not _only_rounds_down(steps, node, bool(np.all(lines.fraction <= 0))):
        return None
    return _node(node, lines, kind)


def _only_rounds_down(steps: list[FloatStep], node: Quantise, whole: bool) -> bool:
    """Whether steps hold a number in the output's type, round it down, and do nothing else; of a whole number any rounding does."""
    for step in steps:
        if step.kind is StepKind.CLIP:
            if any(np.any(c != bound) for c, bound in zip(step.operands, (node.out_type.minimum, node.out_type.maximum), strict=True)):
                return False
        elif step.kind in (StepKind.ADD, StepKind.SUB):
            if np.any(step.operands[0] != 0):
                return False
        elif step.kind is not StepKind.FLOOR and not (step.kind in _ROUNDINGS and whole):
            return False
    return any(step.kind is StepKind.CLIP for step in steps) and any(step.kind is StepKind.FLOOR or step.kind in _ROUNDINGS for step in steps)


def _step(lines: _Lines, step: FloatStep, low: IntArray, high: IntArray) -> _Lines | None:
    """One step more; None where it does not keep to lines."""
    if step.kind is StepKind.OFFSET:
        return _added(lines, -step.operands[0][:, None], np.zeros((1, 1), dtype=np.int64))
    if step.kind is StepKind.RELU:
        return _bent(lines, np.zeros(1, dtype=np.float32), low, high)
    if not step.operands:
        return None
    constant, fraction = _integers(step.operands[0])
    match step.kind:
        case StepKind.MUL:
            return _times(lines, constant, fraction)
        case StepKind.DIV:
            return replace(lines, fraction=lines.fraction - fraction) if np.all(constant == 1) else None
        case StepKind.ADD:
            return _added(lines, constant, fraction)
        case StepKind.SUB:
            return _added(lines, -constant, fraction)
        case StepKind.RSUB:
            return _added(_times(lines, -np.ones_like(constant), np.zeros_like(fraction)), constant, fraction)
        case StepKind.PRELU:
            return _bent(lines, step.operands[0], low, high)
    return None


def _integers(values: FloatArray) -> tuple[IntArray, IntArray]:
    """Odd integers (or 0) and fractions with ``values = integer * 2**-fraction``, ``(C, 1)`` each."""
    mantissa, exponent = np.frexp(values.astype(np.float64))
    whole = np.ldexp(mantissa, _SIGNIFICANT).astype(np.int64)
    zeros = _trailing_zeros(whole)
    fraction = np.where(whole == 0, 0, _SIGNIFICANT - exponent.astype(np.int64) - zeros)
    return (whole >> zeros)[:, None], fraction[:, None]


def _trailing_zeros(values: IntArray) -> IntArray:
    """Zeros at the low end of each number; 0 of 0."""
    lowest = values & -values
    return np.where(values == 0, 0, np.rint(np.log2(np.maximum(lowest, 1))).astype(np.int64))


def _times(lines: _Lines, factor: IntArray, fraction: IntArray) -> _Lines:
    ends = np.stack([lines.low * factor, lines.high * factor])
    return replace(
        lines,
        mul=lines.mul * factor,
        add=lines.add * factor,
        fraction=np.where(factor == 0, 0, lines.fraction + fraction),
        low=ends.min(axis=0),
        high=ends.max(axis=0),
    )


def _added(lines: _Lines, constant: IntArray, fraction: IntArray) -> _Lines | None:
    """Both on the finer grid; a constant of 0 leaves the grid."""
    still = np.broadcast_to(constant == 0, lines.fraction.shape)
    finer = np.where(still, lines.fraction, np.maximum(lines.fraction, fraction))
    own, other = finer - lines.fraction, np.where(still, 0, finer - fraction)
    if max(own.max(), other.max()) > _MOST_ALIGNED:
        return None
    moved = constant << other
    return replace(
        lines, mul=lines.mul << own, add=(lines.add << own) + moved, fraction=finer, low=(lines.low << own) + moved, high=(lines.high << own) + moved
    )


def _bent(lines: _Lines, slopes: FloatArray, low: IntArray, high: IntArray) -> _Lines | None:
    """What is negative is multiplied by a slope: two pieces, the one for ``x < knee`` second."""
    if lines.knee is not None:
        return None
    above = replace(lines, low=np.maximum(lines.low, 0), high=np.maximum(lines.high, 0))
    below = _times(replace(lines, low=np.minimum(lines.low, 0), high=np.minimum(lines.high, 0)), *_integers(slopes))
    mul, add = lines.mul[:, 0], lines.add[:, 0]
    rising = mul > 0
    steep = np.maximum(np.abs(mul), 1)
    # mul * x + add < 0 where x < ceil(-add / mul) of a positive mul, and where x > add / -mul of a negative one.
    knee = np.where(rising, -(add // steep), add // steep + 1)
    knee = np.where(mul == 0, np.where(add < 0, low, high + 1), np.clip(knee, low, high + 1))
    first, second = (_chosen(rising, above, below, field) for field in ("first", "second"))
    pieces = {name: np.concatenate([first[name], second[name]], axis=1) for name in first}
    # A constant keeps to one piece: to the first, x >= low, where it is negative, and to the second, x <= high, elsewhere.
    empty = np.stack([knee > high, knee <= low], axis=1)
    held = {name: np.where(empty, 0, values) for name, values in pieces.items()}
    return _Lines(**held, knee=knee)


def _chosen(rising: np.ndarray[tuple[int, ...], np.dtype[np.bool_]], above: _Lines, below: _Lines, piece: str) -> dict[str, IntArray]:
    """The piece from the knee on is what is not negative of a rising line, and what is negative of another."""
    take = rising[:, None] == (piece == "first")
    return {name: np.where(take, getattr(above, name), getattr(below, name)) for name in ("mul", "add", "fraction", "low", "high")}


def _node(node: Quantise, lines: _Lines, kind: IntType) -> Affine | None:
    shift = max(0, int(lines.fraction.max()))
    up = shift - lines.fraction
    if shift > _MOST_SHIFT or up.max() > _MOST_ALIGNED:
        return None
    mul, add = lines.mul << up, lines.add << up
    common = min(shift, int(_trailing_zeros(np.bitwise_or.reduce(np.abs(mul), axis=None).reshape(1))[0])) if np.any(mul) else shift
    knee = np.empty(0, dtype=np.int64) if lines.knee is None else lines.knee
    affine = Affine(
        name=node.name,
        inputs=node.inputs,
        outputs=node.outputs,
        mul=np.ascontiguousarray(mul >> common),
        add=np.ascontiguousarray(add >> common),
        knee=knee,
        shift=shift - common,
        out_type=node.out_type,
    )
    return affine if affine.sum_bits(kind) <= MAX_SUM_BITS else None
