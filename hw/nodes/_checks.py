"""Checks shared by the nodes; each raises BadInputError that begins with the node's name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xnorflow.errors import BadInputError, FoldingError

if TYPE_CHECKING:
    from xnorflow.hw.graph import Node, StreamType
    from xnorflow.hw.types import IntType


def one_input(node: Node, ins: tuple[StreamType, ...]) -> StreamType:
    """The type of the single input."""
    if len(ins) != 1 or len(node.outputs) != 1:
        raise BadInputError(f"node {node.name}: {node.op} has {len(ins)} inputs and {len(node.outputs)} outputs; 1 and 1 are accepted")
    return ins[0]


def two_inputs(node: Node, ins: tuple[StreamType, ...]) -> tuple[StreamType, StreamType]:
    """The types of the two inputs, which are of one shape."""
    if len(ins) != 2 or len(node.outputs) != 1:
        raise BadInputError(f"node {node.name}: {node.op} has {len(ins)} inputs and {len(node.outputs)} outputs; 2 and 1 are accepted")
    first, second = ins
    if first.shape != second.shape:
        raise BadInputError(f"node {node.name}: {node.op} of streams {first.shape} and {second.shape}; equal shapes are accepted")
    return first, second


def arithmetic(node: Node, result: IntType) -> IntType:
    """The type of a sum or product, which cannot be BIPOLAR."""
    if result.bipolar:
        raise BadInputError(f"node {node.name}: {node.op} to BIPOLAR; INT or UINT is accepted")
    return result


def operand_parameters(first: IntType, second: IntType) -> dict[str, int]:
    """Parameters of a cell that reads two streams: bits and kind of each."""
    return {"ABits": first.bits, "AKind": kind_code(first), "BBits": second.bits, "BKind": kind_code(second)}


def image(node: Node, kind: StreamType) -> tuple[int, int, int]:
    """Height, width and channels of an image stream."""
    if len(kind.shape) != 3:
        raise BadInputError(f"node {node.name}: {node.op} takes a stream (H, W, C), not {kind.shape}")
    return kind.shape[0], kind.shape[1], kind.shape[2]


def lanes_divide(node: Node, lanes: int, channels: int, what: str) -> None:
    """Check a folding: ``lanes`` (0 for not chosen yet) divides ``channels``."""
    if lanes < 0 or (lanes and channels % lanes):
        raise FoldingError(f"node {node.name}: {what} {lanes} does not divide {channels}")


def kind_code(dtype: IntType) -> int:
    """How a cell reads a type's bits: 0 unsigned, 1 two's complement, 2 bipolar."""
    return 2 if dtype.bipolar else int(dtype.signed)
