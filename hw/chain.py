"""FloatChain: the pointwise float32 operations between an integer stream and whatever reads it.

Each step is one rounding, in the order of the file, so NumPy, ONNX Runtime and any other float32 executor that does the
same steps get the same bits. The lowering evaluates chains to find thresholds; the last one is the host tail.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from xnorflow.errors import BadInputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

FloatArray = npt.NDArray[np.float32]
AnyArray = npt.NDArray[Any]


class StepKind(Enum):
    """What one step computes from x and its operands; every result is rounded to float32."""

    OFFSET = "offset"  # x - c in exact integers, before the conversion to float32
    MUL = "mul"  # x * c
    ADD = "add"  # x + c
    SUB = "sub"  # x - c
    RSUB = "rsub"  # c - x
    DIV = "div"  # x / c
    RELU = "relu"  # max(x, 0)
    PRELU = "prelu"  # x where x >= 0, else x * c
    CLIP = "clip"  # low where x < low, high where x > high
    SIGN = "sign"  # +1 where x >= 0 (and for -0), else -1
    ROUND = "round"  # half to even
    FLOOR = "floor"
    CEIL = "ceil"
    ROUND_UP = "round_up"  # away from zero
    ROUND_DOWN = "round_down"  # towards zero
    HALF_UP = "half_up"  # nearest, ties away from zero
    HALF_DOWN = "half_down"  # nearest, ties towards zero
    SIGMOID = "sigmoid"  # 1 / (1 + exp(-x)) in float64; float32 runtimes differ from it in the last bits


_APPLY: dict[StepKind, Callable[..., AnyArray]] = {
    StepKind.MUL: lambda x, c: x * c,
    StepKind.ADD: lambda x, c: x + c,
    StepKind.SUB: lambda x, c: x - c,
    StepKind.RSUB: lambda x, c: c - x,
    StepKind.DIV: lambda x, c: x / c,
    StepKind.RELU: lambda x: np.maximum(x, np.float32(0)),
    StepKind.PRELU: lambda x, c: np.where(x >= 0, x, x * c),
    StepKind.CLIP: lambda x, low, high: np.minimum(np.maximum(x, low), high),
    StepKind.SIGN: lambda x: np.where(x >= 0, np.float32(1), np.float32(-1)),
    StepKind.ROUND: np.round,
    StepKind.FLOOR: np.floor,
    StepKind.CEIL: np.ceil,
    StepKind.ROUND_UP: lambda x: np.sign(x) * np.ceil(np.abs(x)),
    StepKind.ROUND_DOWN: np.fix,
    StepKind.HALF_UP: lambda x: np.sign(x) * np.floor(np.abs(x) + np.float32(0.5)),
    StepKind.HALF_DOWN: lambda x: np.sign(x) * np.ceil(np.abs(x) - np.float32(0.5)),
    StepKind.SIGMOID: lambda x: 1 / (1 + np.exp(-x.astype(np.float64))),
}
_OPERANDS = {
    **dict.fromkeys((StepKind.OFFSET, StepKind.MUL, StepKind.ADD, StepKind.SUB, StepKind.RSUB, StepKind.DIV, StepKind.PRELU), 1),
    StepKind.CLIP: 2,
}


@dataclass(frozen=True, eq=False)
class FloatStep:
    """One operation.

    Attributes:
        kind: which.
        operands: arrays of shape ``(1,)`` (the same for every channel) or ``(C,)``; float32, or int64 for OFFSET.
    """

    kind: StepKind
    operands: tuple[AnyArray, ...] = ()

    def __post_init__(self) -> None:
        if len(self.operands) != _OPERANDS.get(self.kind, 0) or any(c.ndim != 1 for c in self.operands):
            raise BadInputError(f"float step {self.kind.value} takes {_OPERANDS.get(self.kind, 0)} operands of shape (1,) or (C,)")

    @classmethod
    def of(cls, kind: StepKind, *operands: float | np.float32 | AnyArray) -> FloatStep:
        """Build a step from scalars or vectors."""
        dtype = np.int64 if kind is StepKind.OFFSET else np.float32
        return cls(kind, tuple(np.atleast_1d(np.asarray(c, dtype=dtype)) for c in operands))

    def apply(self, x: AnyArray) -> AnyArray:
        """One step on an array ``(..., C)``; float32 unless this is an OFFSET of integers."""
        if self.kind is StepKind.OFFSET:
            return x - self.operands[0]
        return np.asarray(_APPLY[self.kind](x.astype(np.float32, copy=False), *self.operands), dtype=np.float32)

    def direction(self) -> npt.NDArray[np.int64]:
        """Per channel: +1 where the step is provably non-decreasing, -1 non-increasing, 0 where neither is proven."""
        if self.kind is StepKind.RSUB:
            return np.array([-1])
        if self.kind in (StepKind.MUL, StepKind.DIV):
            return np.where(self.operands[0] >= 0, 1, -1)
        if self.kind is StepKind.PRELU:
            return np.where(self.operands[0] >= 0, 1, 0)
        if self.kind is StepKind.SIGMOID:
            return np.array([0])
        return np.array([1])


@dataclass(frozen=True, eq=False)
class FloatChain:
    """Steps applied one after another, channel on the last axis.

    Attributes:
        steps: in order; an OFFSET can only be the first.
    """

    steps: tuple[FloatStep, ...] = ()

    def __post_init__(self) -> None:
        if any(step.kind is StepKind.OFFSET for step in self.steps[1:]):
            raise BadInputError("a float chain subtracts integers only in its first step")

    def apply(self, x: AnyArray) -> FloatArray:
        """Apply to an array ``(..., C)`` of integers or float32; returns float32 of the same shape."""
        with np.errstate(over="ignore", invalid="ignore"):
            for step in self.steps:
                x = step.apply(x)
        return x.astype(np.float32, copy=False)

    def then(self, other: FloatChain) -> FloatChain:
        """This chain followed by another."""
        return FloatChain(self.steps + other.steps)

    @property
    def channels(self) -> int:
        """Channels of the widest operand; 1 where every channel is treated alike."""
        return max((len(c) for step in self.steps for c in step.operands), default=1)

    def directions(self) -> npt.NDArray[np.int64]:
        """Per channel (or one for all): +1 provably non-decreasing, -1 non-increasing, 0 unproven.

        Rounding to float32 is non-decreasing, so the product of the steps' directions is a proof.
        """
        product = np.ones(1, dtype=np.int64)
        for step in self.steps:
            product = product * step.direction()
        return product

    def map_operands(self, change: Callable[[AnyArray], AnyArray]) -> FloatChain:
        """The same steps over other per-channel operands; those shared by all channels stay as they are."""
        return FloatChain(tuple(FloatStep(s.kind, tuple(change(c) if len(c) > 1 else c for c in s.operands)) for s in self.steps))

    def to_json(self) -> list[dict[str, Any]]:
        """Serialise; operands travel as base64 of little-endian float32 or int64, so no digit is lost."""
        return [{"kind": s.kind.value, "operands": [_pack(c) for c in s.operands]} for s in self.steps]

    @classmethod
    def from_json(cls, raw: Iterable[dict[str, Any]]) -> FloatChain:
        """Read what :meth:`to_json` made.

        Raises:
            BadInputError: the record is not such a chain.
        """
        try:
            return cls(tuple(FloatStep(StepKind(r["kind"]), tuple(_unpack(c) for c in r["operands"])) for r in raw))
        except (KeyError, TypeError, ValueError) as error:
            raise BadInputError(f"float chain cannot be read: {error}") from error


def _pack(values: AnyArray) -> dict[str, str]:
    kind = "int64" if values.dtype == np.int64 else "float32"
    return {"dtype": kind, "data": base64.b64encode(values.astype(np.dtype(kind).newbyteorder("<")).tobytes()).decode("ascii")}


def _unpack(raw: dict[str, str]) -> AnyArray:
    if raw["dtype"] not in ("int64", "float32"):
        raise ValueError(f"operands of type {raw['dtype']!r}; int64 and float32 are accepted")
    kind = np.dtype(raw["dtype"])
    return np.frombuffer(base64.b64decode(raw["data"], validate=True), dtype=kind.newbyteorder("<")).astype(kind)
