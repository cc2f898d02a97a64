"""Flatten: (H, W, C) to (H*W*C,) in stream order; wires only, no hardware."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from xnorflow.hw.graph import Node, StreamType
from xnorflow.hw.nodes._checks import one_input

if TYPE_CHECKING:
    from xnorflow.hw.types import IntArray


@dataclass(frozen=True, eq=False, kw_only=True)
class Flatten(Node):
    """``out[(y*W + x)*C + c] = in[y, x, c]``: the beats stay as they are, only the shape changes."""

    op = "Flatten"

    def infer(self, ins: tuple[StreamType, ...]) -> tuple[StreamType, ...]:
        kind = one_input(self, ins)
        return (StreamType((kind.size,), kind.dtype),)

    def execute(self, ins: tuple[IntArray, ...]) -> tuple[IntArray, ...]:
        return (ins[0].reshape(len(ins[0]), -1),)
