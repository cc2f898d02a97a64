"""A network whose forward pass is integer arithmetic in disguise: steps, and which step reads which."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from xnorflow.errors import BadInputError, UnsupportedModelError
from xnorflow.qat.integerise.image import ImageCodes
from xnorflow.qat.integerise.join import Add, Concatenate, Multiply
from xnorflow.qat.integerise.matrix import BinaryConvolution, Convolution, MatrixProduct
from xnorflow.qat.integerise.pointwise import Affine, Quant, TwoSlope
from xnorflow.qat.integerise.pool import AveragePool, GlobalSum, MaxPool, PadChannels
from xnorflow.qat.integerise.reach import EXACT, Reach
from xnorflow.qat.integerise.sigmoid import Sigmoid
from xnorflow.qat.integerise.sign import Sign
from xnorflow.qat.integerise.step import Bound, OnGrid, Step

INPUT = "input"
STEPS: dict[str, type[Step]] = {
    kind.__name__: kind
    for kind in (
        Add,
        Affine,
        AveragePool,
        BinaryConvolution,
        Concatenate,
        Convolution,
        GlobalSum,
        ImageCodes,
        MatrixProduct,
        MaxPool,
        Multiply,
        PadChannels,
        Quant,
        Sigmoid,
        Sign,
        TwoSlope,
    )
}


@dataclass(frozen=True)
class Wire:
    """One step of a network, without its tensors.

    Attributes:
        name: unique; the layer it comes from, with slashes.
        kind: key of ``STEPS``.
        inputs: names of the steps it reads, or ``input``.
        arguments: of its constructor.
    """

    name: str
    kind: str
    inputs: tuple[str, ...]
    arguments: Mapping[str, Any]


class IntegerNetwork(nn.Module):
    """Normalised images in, logits out; everything between is integers times powers of two, exact in float32.

    The first step turns the normalised image into integers, so it alone may round a value that is on no grid.

    Args:
        wires: the steps, each behind those it reads; the last one is the result.

    Raises:
        BadInputError: a step is of no known kind, has arguments that do not fit it, or reads what is not there.
    """

    def __init__(self, wires: Sequence[Wire]) -> None:
        super().__init__()
        self.wires = tuple(wires)
        self.steps = nn.ModuleDict()
        for wire in self.wires:
            self.steps[wire.name] = _step(wire, self.steps)
        self.last_use = {source: index for index, wire in enumerate(self.wires) for source in wire.inputs}

    def forward(self, x: Tensor) -> Tensor:
        """float32 NCHW of normalised pixels to float32 ``(N, classes)``."""
        values = {INPUT: x}
        for index, wire in enumerate(self.wires):
            x = self.steps[wire.name](*(values[source] for source in wire.inputs))
            values[wire.name] = x
            for source in wire.inputs:
                if self.last_use[source] == index:
                    values.pop(source, None)
        return x

    def bounds(self) -> dict[str, Bound]:
        """What every step can make, whatever the image.

        Raises:
            UnsupportedModelError: a constant is on no grid, or a step can exceed what float32 holds exactly; names the step.
        """
        bounds: dict[str, Bound] = {}
        for wire in self.wires:
            step = self.steps[wire.name]
            assert isinstance(step, Step)
            ins = [bounds[source].out for source in wire.inputs if source != INPUT]
            bounds[wire.name] = checked_bound(wire.name, step, ins)
        return bounds

    def snap(self) -> None:
        """Round every trained constant to its grid, integer weights to integers, and binary weights to signs."""
        for part in self.modules():
            if isinstance(part, OnGrid | BinaryConvolution | Convolution | MatrixProduct):
                part.snap()

    def freeze_signs(self, frozen: bool) -> None:
        """Let binary weights be trained, or not; the turns in front of signs never are."""
        for part in self.modules():
            if isinstance(part, BinaryConvolution):
                part.requires_grad_(not frozen)
            elif isinstance(part, Sign) and part.turn is not None:
                part.turn.requires_grad_(False)

    def to_record(self) -> list[dict[str, Any]]:
        """The steps as plain types, for a checkpoint."""
        return [{"name": w.name, "kind": w.kind, "inputs": list(w.inputs), "arguments": dict(w.arguments)} for w in self.wires]

    @classmethod
    def from_record(cls, record: object, where: str) -> IntegerNetwork:
        """Rebuild a network, without its tensors, from what :meth:`to_record` gave.

        Raises:
            BadInputError: the record is damaged; begins with ``where``.
        """
        try:
            wires = [Wire(str(each["name"]), str(each["kind"]), tuple(map(str, each["inputs"])), dict(each["arguments"])) for each in list(record)]  # type: ignore[call-overload]
            return cls(wires)
        except Exception as error:  # a damaged record raises anything
            raise BadInputError(f"{where}: its record of integer steps is damaged: {' '.join(str(error).split())[:200]}") from error


def checked_bound(name: str, step: Step, ins: Sequence[Reach]) -> Bound:
    """The bound of a step.

    Raises:
        UnsupportedModelError: a constant is on no grid, or the step can exceed what float32 holds exactly.
    """
    for part in step.modules():
        if isinstance(part, OnGrid) and not part.exact:
            raise UnsupportedModelError(f"layer {name}: a constant is not on its grid of {part.fraction} fraction bits")
    try:
        bound = step.bound(*ins)
    except UnsupportedModelError as error:
        raise UnsupportedModelError(f"layer {name}: {error}") from error
    except (ValueError, TypeError, RuntimeError) as error:
        raise UnsupportedModelError(f"layer {name} cannot read the {len(ins)} tensors it is given: {' '.join(str(error).split())[:200]}") from error
    if not bound.worst < EXACT:
        raise UnsupportedModelError(f"layer {name} can reach integers of {bound.worst:.0f}; float32 is exact below {EXACT}: give it fewer bits")
    return bound


def _step(wire: Wire, known: nn.ModuleDict) -> Step:
    if wire.kind not in STEPS:
        raise BadInputError(f"step {wire.name} is a {wire.kind!r}; known are {', '.join(STEPS)}")
    if wire.name in known or wire.name == INPUT:
        raise BadInputError(f"step {wire.name} is there twice")
    for source in wire.inputs:
        if source != INPUT and source not in known:
            raise BadInputError(f"step {wire.name} reads {source}, which is not in front of it")
    return STEPS[wire.kind](**wire.arguments)
