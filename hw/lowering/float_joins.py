"""Float nodes of several inputs: sums, products and concatenations of float32 tensors; they exist only while a network is lowered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from xnorflow.errors import BadInputError
from xnorflow.hw.graph import Node, StreamType
from xnorflow.hw.lowering.float_nodes import FLOAT32

if TYPE_CHECKING:
    from collections.abc import Sequence

    from xnorflow.hw.chain import AnyArray


@dataclass(frozen=True, eq=False, kw_only=True)
class Join(Node):
    """What Sum, Product and Concatenation share: each element is a function of two elements or of one, rounded once."""

    def bounds(self, lows: Sequence[AnyArray], highs: Sequence[AnyArray]) -> tuple[AnyArray, AnyArray]:
        """Least and greatest result of inputs within bounds; rounding to float32 keeps the order, so the ends decide."""
        return self.execute(tuple(lows))[0], self.execute(tuple(highs))[0]


@dataclass(frozen=True, eq=False, kw_only=True)
class Sum(Join):
    """Two float32 streams of one shape -> their sum, one rounding each."""

    op = "Sum"

    def infer(self, ins: tuple[StreamType, ...]) -> tuple[StreamType, ...]:
        if len(ins) != 2 or ins[0].shape != ins[1].shape:
            raise BadInputError(f"node {self.name}: adds streams {[kind.shape for kind in ins]}; two of one shape are accepted")
        return (StreamType(ins[0].shape, FLOAT32),)

    def execute(self, ins: tuple[Any, ...]) -> tuple[Any, ...]:
        return (ins[0].astype(np.float32) + ins[1].astype(np.float32),)


@dataclass(frozen=True, eq=False, kw_only=True)
class Product(Join):
    """Two float32 streams, the second of the first one's shape or a gate ``(1, 1, C)`` -> their product, one rounding each."""

    op = "Product"

    def infer(self, ins: tuple[StreamType, ...]) -> tuple[StreamType, ...]:
        if len(ins) != 2 or ins[1].shape not in (ins[0].shape, (1, 1, ins[0].channels)):
            raise BadInputError(f"node {self.name}: multiplies streams {[kind.shape for kind in ins]}; two of one shape, or a gate, are accepted")
        return (StreamType(ins[0].shape, FLOAT32),)

    def execute(self, ins: tuple[Any, ...]) -> tuple[Any, ...]:
        return (ins[0].astype(np.float32) * ins[1].astype(np.float32),)

    def bounds(self, lows: Sequence[AnyArray], highs: Sequence[AnyArray]) -> tuple[AnyArray, AnyArray]:
        corners = [self.execute((a, b))[0] for a in (lows[0], highs[0]) for b in (lows[1], highs[1])]
        return np.min(corners, axis=0), np.max(corners, axis=0)


@dataclass(frozen=True, eq=False, kw_only=True)
class Concatenation(Join):
    """Float32 streams ``(H, W, C_i)`` -> the channels of all, in order."""

    op = "Concatenation"

    def infer(self, ins: tuple[StreamType, ...]) -> tuple[StreamType, ...]:
        if len({kind.shape[:-1] for kind in ins}) != 1:
            raise BadInputError(f"node {self.name}: concatenates streams {[kind.shape for kind in ins]}; equal rows and columns are accepted")
        return (StreamType((*ins[0].shape[:-1], sum(kind.channels for kind in ins)), FLOAT32),)

    def execute(self, ins: tuple[Any, ...]) -> tuple[Any, ...]:
        return (np.concatenate([x.astype(np.float32) for x in ins], axis=-1),)
