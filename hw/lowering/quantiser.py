"""The quantisers of QONNX: Quant, BipolarQuant and Trunc as float32 steps that end in integer codes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from xnorflow.errors import UnsupportedModelError
from xnorflow.hw.chain import FloatChain, FloatStep, StepKind
from xnorflow.hw.lowering.constants import QuantisedConstant
from xnorflow.hw.lowering.executor import node_label
from xnorflow.hw.types import BIPOLAR, IntType

if TYPE_CHECKING:
    from collections.abc import Mapping

    from xnorflow.hw.chain import AnyArray, FloatArray

MAX_BITS = 16
Steps = tuple[tuple[StepKind, tuple[Any, ...]], ...]
_ROUNDING = {
    "ROUND": StepKind.ROUND,
    "HALF_EVEN": StepKind.ROUND,
    "FLOOR": StepKind.FLOOR,
    "CEIL": StepKind.CEIL,
    "UP": StepKind.ROUND_UP,
    "DOWN": StepKind.ROUND_DOWN,
    "HALF_UP": StepKind.HALF_UP,
    "HALF_DOWN": StepKind.HALF_DOWN,
}


@dataclass(frozen=True, eq=False)
class Quantiser:
    """``codes = encode(x)``, ``out = codes * scale``.

    Attributes:
        label: the node, for messages.
        steps: the float32 steps to the codes, before their operands are brought to the stream's channels.
        kind: type of the codes.
        scale: of the codes; the tensor's rank or a scalar.
    """

    label: str
    steps: Steps
    kind: IntType
    scale: FloatArray

    def constant(self, values: AnyArray) -> QuantisedConstant:
        """Quantise a constant tensor."""
        x = values.astype(np.float32)
        for kind, operands in self.steps:
            x = _broadcast_step(kind, x, operands)
        if not np.all(np.isfinite(x)):
            raise UnsupportedModelError(f"{self.label}: makes NaN or Inf; finite numbers are accepted")
        return QuantisedConstant(np.rint(x).astype(np.int64), np.broadcast_to(self.scale, x.shape), self.kind)


def _broadcast_step(kind: StepKind, x: AnyArray, operands: tuple[AnyArray, ...]) -> AnyArray:
    full = tuple(np.broadcast_to(c, x.shape).ravel().astype(np.float32) for c in operands)
    return FloatChain((FloatStep(kind, full),)).apply(x.ravel()).reshape(x.shape)


def quantiser_of(node: Any, constants: Mapping[str, AnyArray], most: int = MAX_BITS) -> Quantiser:
    """Read a quantiser node.

    Args:
        node: of the file.
        constants: by name.
        most: bits that are accepted.

    Raises:
        UnsupportedModelError: parameters that are not constant, a scale that is not positive, a zero point that is no
            integer, or more bits than the most.
    """
    label = f"node {node_label(node)}"
    parameters = [constants.get(name) for name in node.input[1:]]
    if any(p is None for p in parameters):
        raise UnsupportedModelError(f"{label}: {node.op_type} with parameters that are not constant; constants are accepted")
    values = [np.asarray(p, dtype=np.float32) for p in parameters]
    attributes = {a.name: a.s.decode() if a.s else int(a.i) for a in node.attribute}
    _check_scale(label, node.op_type, values[0])
    if node.op_type == "BipolarQuant":
        return Quantiser(label, ((StepKind.SIGN, ()),), BIPOLAR, values[0])
    if np.any(values[1] != np.rint(values[1])):
        raise UnsupportedModelError(f"{label}: zero point {values[1].ravel()[:4].tolist()} is no integer; integers are accepted")
    mode = str(attributes.get("rounding_mode", "FLOOR" if node.op_type == "Trunc" else "ROUND")).upper()
    if mode not in _ROUNDING:
        raise UnsupportedModelError(f"{label}: rounding mode {mode!r}; accepted are {', '.join(_ROUNDING)}")
    if node.op_type == "Trunc":
        return _trunc(label, values, attributes, _ROUNDING[mode], most)
    return _quant(label, values, attributes, _ROUNDING[mode], most)


def _check_scale(label: str, op: str, scale: FloatArray) -> None:
    if scale.size == 0 or not np.all(np.isfinite(scale)) or np.any(scale <= 0):
        worst = float(scale.min()) if scale.size else 0.0
        raise UnsupportedModelError(f"{label}: {op} has the scale {worst:g}; positive finite scales are accepted")


def _bits(label: str, value: FloatArray, most: int) -> int:
    bits = float(value.ravel()[0])
    if value.size != 1 or bits != int(bits) or not 1 <= bits <= most:
        raise UnsupportedModelError(f"{label}: bit width {value.ravel()[:4].tolist()}; one integer from 1 to {most} is accepted")
    return int(bits)


def _range(bits: int, attributes: Mapping[str, Any]) -> tuple[int, int]:
    signed, narrow = int(attributes.get("signed", 1)), int(attributes.get("narrow", 0))
    if signed:
        return -(1 << (bits - 1)) + narrow, (1 << (bits - 1)) - 1
    return 0, (1 << bits) - 1 - narrow


def _quant(label: str, values: list[FloatArray], attributes: Mapping[str, Any], mode: StepKind, most: int) -> Quantiser:
    scale, zero, bits = values[0], values[1], _bits(label, values[2], most)
    head: Steps = ((StepKind.DIV, (scale,)), (StepKind.ADD, (zero,)))
    if bits == 1 and int(attributes.get("signed", 1)):
        if np.any(zero != 0):
            raise UnsupportedModelError(f"{label}: a bipolar Quant with a zero point; zero point 0 is accepted")
        return Quantiser(label, (*head, (StepKind.SIGN, ())), BIPOLAR, scale)
    low, high = _range(bits, attributes)
    if low > high - 1:
        raise UnsupportedModelError(f"{label}: a Quant with fewer than two values; at least two are accepted")
    clip = (StepKind.CLIP, (np.float32(low), np.float32(high)))
    steps = (*head, clip, (mode, ()), (StepKind.SUB, (zero,)))
    kind = IntType.containing(low - int(zero.max()), high - int(zero.min()))
    return Quantiser(label, steps, kind, scale)


def _trunc(label: str, values: list[FloatArray], attributes: Mapping[str, Any], mode: StepKind, most: int) -> Quantiser:
    scale, zero = values[0], values[1]
    if np.any(zero != 0):
        raise UnsupportedModelError(f"{label}: Trunc with a zero point; zero point 0 is accepted")
    head: Steps = ((StepKind.DIV, (scale,)), (StepKind.ADD, (zero,)), (StepKind.ROUND, ()))
    if len(values) == 4:
        shift = np.float32(2.0 ** float(values[2].ravel()[0] - values[3].ravel()[0]))
        width = _bits(label, values[3], most)
        return Quantiser(label, (*head, (StepKind.DIV, (shift,)), (mode, ()), (StepKind.SUB, (zero,))), IntType(width + 2, signed=True), scale)
    _check_scale(label, "Trunc", values[3])
    cut = np.asarray(2 ** np.round(np.log2(values[3] / scale)), dtype=np.float32)
    bits = _bits(label, values[4], most)
    low, high = _range(bits, attributes)
    steps = (*head, (StepKind.DIV, (cut,)), (StepKind.CLIP, (np.float32(low), np.float32(high))), (mode, ()), (StepKind.SUB, (zero / cut,)))
    return Quantiser(label, steps, IntType.containing(low, high), values[3])
