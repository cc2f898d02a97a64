"""One pass of a program: a chain of nodes on the slots of a tile (``kernels/pass.hpp``)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from xnorflow import _kernels
from xnorflow.hw.nodes import Add, Affine, ChannelGate, Multiply, Table, Threshold
from xnorflow.hw.nodes._product import product_bits
from xnorflow.kernels.checks import exact

if TYPE_CHECKING:
    from collections.abc import Callable

    from xnorflow.hw.graph import Node, StreamType
    from xnorflow.hw.types import IntType
    from xnorflow.kernels import BitThresholds, IntLayer, Window, XnorLayer
    from xnorflow.sim.cpu.arena import Buffer, View

    Op: TypeAlias = Callable[[_kernels.Pass], None]

INT32_BITS = 32


@dataclass
class PassBuilder:
    """Collects what a pass does, then makes it.

    Attributes:
        shape: of the pass's output, ``(H, W, C)``.
        wide: whether slots hold int64.
        buffers: all that it reads and writes.
    """

    shape: tuple[int, int, int]
    wide: bool = False
    buffers: list[Buffer] = field(default_factory=list)
    _ops: list[Op] = field(default_factory=list)
    _free: list[int] = field(default_factory=list)
    _slots: int = 0

    def emit(self, program: _kernels.Program) -> None:
        """Append the pass to a program; all buffers have their places."""
        made = program.add_pass(_kernels.PassShape(*self.shape), self._slots, self.wide)
        for op in self._ops:
            op(made)

    def take(self) -> int:
        """A slot that holds nothing."""
        if self._free:
            return self._free.pop()
        self._slots += 1
        return self._slots - 1

    def free(self, *slots: int) -> None:
        """Let slots be used again."""
        self._free += slots

    def load(self, view: View) -> int:
        """A stream's elements to a slot."""
        out = self.take()
        self._do(lambda p: p.load(view.native(), out), view)
        return out

    def store(self, slot: int, view: View) -> None:
        """A slot's elements to memory."""
        self._do(lambda p: p.store(slot, view.native()), view)

    def xnor(self, view: View, layer: XnorLayer) -> int:
        """A binary layer's accumulators to a slot."""
        out = self.take()
        self._do(lambda p: p.xnor(view.native(), layer.native, out), view)
        return out

    def xnor_bits(self, view: View, layer: XnorLayer, limits: BitThresholds, out: View) -> None:
        """A binary layer's bits to memory."""
        self._do(lambda p: p.xnor_bits(view.native(), layer.native, limits.native, out.native()), view, out)

    def integers(self, view: View, layer: IntLayer) -> int:
        """An integer layer's accumulators to a slot."""
        out = self.take()
        self._do(lambda p: p.integers(view.native(), layer.native, out), view)
        return out

    def pool(self, view: View, window: Window, *, total: bool) -> int:
        """The greatest, or the sum, of each window to a slot."""
        out, one, two = self.take(), self.take(), self.take()
        where = (window.kernel, window.stride, window.dilation)
        self._do(lambda p: p.pool(view.native(), *where, total, out, [one, two]), view)
        self.free(one, two)
        return out

    def sign(self, slot: int, limits: BitThresholds, view: View) -> None:
        """A slot's bits to memory."""
        self._do(lambda p: p.sign(slot, limits.native, view.native()), view)

    def node(self, node: Node, slots: tuple[int, ...], kinds: tuple[StreamType, ...], gate: View | None) -> int:
        """A node that works element by element: from its operands' slots to a new one. A gate is read from memory."""
        out, (kind, *others) = self.take(), kinds
        if isinstance(node, Affine):
            self._affine(node, slots[0], kind.dtype, out)
        elif isinstance(node, Threshold):
            limits = exact(node.thresholds, np.int64, "thresholds"), exact(node.negate, np.uint8, "negate")
            self._do(lambda p: p.levels(slots[0], *limits, node.base, node.step, out))
        elif isinstance(node, Table):
            values = exact(node.values, np.int64, "table")
            self._do(lambda p: p.look_up(slots[0], values, kind.dtype.bipolar, out))
        elif isinstance(node, Add):
            bits = max(kind.dtype.bits, others[0].dtype.bits) + 2
            self._do(lambda p: p.add(slots[0], slots[1], _rounding(0, node.out_type, bits), out))
        else:
            assert isinstance(node, ChannelGate | Multiply)
            self._product(node, slots, product_bits(kind.dtype, others[0].dtype), out, gate)
        return out

    def _affine(self, node: Affine, slot: int, dtype: IntType, out: int) -> None:
        mul, add, knee = (exact(a, np.int64, "coefficients") for a in (node.mul, node.add, node.knee))
        bits = max(node.sum_bits(dtype), *(int(np.abs(a).max(initial=0)).bit_length() + 1 for a in (mul, add)))
        rounding = _rounding(node.shift, node.out_type, bits)
        self._do(lambda p: p.affine(slot, mul, add, knee, rounding, out))

    def _product(self, node: ChannelGate | Multiply, slots: tuple[int, ...], bits: int, out: int, gate: View | None) -> None:
        rounding = _rounding(node.shift, node.out_type, bits)
        if gate is None:
            self._do(lambda p: p.multiply(slots[0], slots[1], rounding, out))
            return
        spare = self.take()
        self._do(lambda p: p.gate(slots[0], gate.native(), rounding, out, spare), gate)
        self.free(spare)

    def _do(self, op: Op, *views: View) -> None:
        self._ops.append(op)
        self.buffers += [view.buffer for view in views]


def _rounding(shift: int, limits: IntType, bits: int) -> _kernels.Rounding:
    wide = bits > INT32_BITS or shift >= INT32_BITS
    return _kernels.Rounding(shift, limits.minimum, limits.maximum, wide)
