"""From a graph to a program of the kernels: every node in as few walks over memory as its streams allow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from xnorflow import _kernels
from xnorflow.errors import BadInputError
from xnorflow.hw.nodes import ArgMax, ChannelGate, Concat, Flatten, GlobalSum, MaxPool, Pad, SlidingWindow, Threshold
from xnorflow.hw.nodes.mat_vec import MatVec
from xnorflow.hw.nodes.summing import Summing
from xnorflow.kernels import BitThresholds, Borders, IntLayer, Window, XnorLayer
from xnorflow.sim.cpu.arena import Arena, Buffer, Element, View, image, storage
from xnorflow.sim.cpu.chain import ELEMENTWISE, Chain, chains, is_sign, is_wide, wiring
from xnorflow.sim.cpu.passes import PassBuilder

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from xnorflow.hw.graph import Graph, Node
    from xnorflow.hw.types import IntType

BLOCK_BYTES = 256 << 10
"""Of the arena, for the frames that are computed together: about what the second cache of a core holds."""
BLOCK_FRAMES = 1024


@dataclass(frozen=True)
class Plan:
    """What the runtime executes.

    Attributes:
        program: the steps; array 0 is the input, the others are the outputs, int64.
        outputs: the streams of these, each once.
        alias: every stream -> the stream that holds its value (itself, or the one in front of its wires).
        steps: names of the nodes that each step computes; empty for copies.
        keep: the layers and thresholds that the program reads.
    """

    program: _kernels.Program
    outputs: tuple[str, ...]
    alias: Mapping[str, str]
    steps: tuple[tuple[str, ...], ...]
    keep: tuple[object, ...]


def make_plan(graph: Graph, isa: str, outputs: Sequence[str] | None = None) -> Plan:
    """Plan a graph of one input for one kernel table.

    Args:
        graph: the graph.
        isa: name of the table.
        outputs: streams to hand out, instead of the graph's outputs.

    Raises:
        BadInputError: the runtime does not know a node, or a node has several outputs.
    """
    return _Planner(graph, isa, tuple(outputs or graph.outputs)).plan()


@dataclass
class _Step:
    nodes: tuple[str, ...]
    buffers: list[Buffer]
    emit: Callable[[_kernels.Program], None]


class _Planner:
    def __init__(self, graph: Graph, isa: str, outputs: tuple[str, ...]) -> None:
        self.graph, self.isa, self.wires = graph, isa, wiring(graph)
        self.outputs = tuple(dict.fromkeys(self.wires.alias[name] for name in outputs))
        (source,) = graph.inputs
        self.views: dict[str, View] = {source: View.make(_number(graph.inputs[source].dtype), graph.inputs[source].shape, outside=0)}
        self.source = source
        self.external = {name: View.make(Element.I64, graph.streams[name].shape, outside=1 + i) for i, name in enumerate(self.outputs)}
        self.converted: dict[tuple[str, Element], View] = {}
        self.steps: list[_Step] = []
        self.keep: list[object] = []
        self.handed: set[str] = set()

    def plan(self) -> Plan:
        for chain in chains(self.wires, self.outputs):
            try:
                self._chain(chain)
            except BadInputError as error:
                name = chain.nodes[0].name
                raise error if name in str(error) else BadInputError(f"node {name}: {error}") from error
        for name in [name for name in self.external if name not in self.handed]:
            self._hand_out(name)
        for number, step in enumerate(self.steps):
            for buffer in step.buffers:
                buffer.first, buffer.last = number if buffer.first < 0 else buffer.first, number
        arena = Arena()
        arena.place(dict.fromkeys(buffer for step in self.steps for buffer in step.buffers))
        frames = [self.graph.inputs[self.source].size, *(self.graph.streams[name].size for name in self.outputs)]
        block = min(max(BLOCK_BYTES // max(arena.bytes, 1), 1), BLOCK_FRAMES)
        program = _kernels.Program(self.isa, arena.bytes, block, frames)
        for step in self.steps:
            step.emit(program)
        return Plan(program, self.outputs, self.wires.alias, tuple(step.nodes for step in self.steps), tuple(self.keep))

    def _hand_out(self, name: str) -> None:
        """A stream that no pass has stored for the caller yet."""
        if name in self.wires.windows:
            self._windows(self.wires.windows[name])
        self._copy(self.views[name], self.external[name], self.graph.streams[name].dtype)

    def _step(self, nodes: tuple[str, ...], views: Sequence[View], emit: Callable[[_kernels.Program], None]) -> None:
        self.steps.append(_Step(nodes, [view.buffer for view in views], emit))

    def _pass(self, builder: PassBuilder, nodes: tuple[str, ...] = ()) -> None:
        self.steps.append(_Step(nodes, builder.buffers, builder.emit))

    def _copy(self, source: View, target: View, dtype: IntType) -> None:
        builder = PassBuilder(source.shape, wide=dtype.maximum >= 1 << 31)
        builder.store(builder.load(source), target)
        self._pass(builder)

    # Chains

    def _chain(self, chain: Chain) -> None:
        first = chain.nodes[0]
        if chain.flat:
            self._flat_sign(chain)
        elif isinstance(first, Pad):
            self._pad(first)
        elif isinstance(first, Flatten):
            self._flatten(first)
        elif isinstance(first, Concat):
            self._concat(first)
        elif isinstance(first, ArgMax):
            self._arg_max(first)
        elif isinstance(first, MaxPool) and (window := self._windowed(first)) and self.graph.streams[first.outputs[0]].dtype.bipolar:
            self._pool_bits(first, window)
        else:
            self._walk(chain)

    def _walk(self, chain: Chain) -> None:
        first, names = chain.nodes[0], tuple(node.name for node in chain.nodes)
        builder = PassBuilder(
            image(self.graph.streams[first.outputs[0]].shape), wide=not isinstance(first, MatVec) and is_wide(first, self.wires.types(first))
        )
        slots: dict[str, int] = {}
        rest = chain.nodes if isinstance(first, ELEMENTWISE) else chain.nodes[1:]
        uses = [name for node in rest for name in self.wires.inputs(node)]
        if not isinstance(first, ELEMENTWISE):
            if isinstance(first, MatVec) and [is_sign(node) for node in rest] == [True] and self._straight_to_bits(builder, first, rest[0], chain):
                self._pass(builder, names)
                return
            slots[first.outputs[0]] = self._product(builder, first) if isinstance(first, MatVec) else self._pool(builder, first)
            self._keep_value(builder, slots, first.outputs[0], chain)
        for node in rest:
            self._element(builder, slots, node, chain)
            for name in self.wires.inputs(node):
                uses.remove(name)
                if name in slots and name not in uses:
                    builder.free(slots.pop(name))
        self._pass(builder, names)

    def _element(self, builder: PassBuilder, slots: dict[str, int], node: Node, chain: Chain) -> None:
        inputs, out = self.wires.inputs(node), node.outputs[0]
        gate = self._view_of(inputs[1]) if isinstance(node, ChannelGate) else None
        for name in inputs[: 1 if gate else None]:
            if name not in slots:
                slots[name] = builder.load(self._view_of(name))
        if is_sign(node) and not builder.wide and out not in self.external:
            assert isinstance(node, Threshold)
            builder.sign(slots[inputs[0]], self._limits(node), self._new(out))
            return
        operands = tuple(slots[name] for name in inputs[: 1 if gate else None])
        slots[out] = builder.node(node, operands, tuple(self.graph.streams[name] for name in inputs), gate)
        self._keep_value(builder, slots, out, chain)

    def _keep_value(self, builder: PassBuilder, slots: dict[str, int], name: str, chain: Chain) -> None:
        """Store what others read; a slot that nobody reads is free again."""
        if self._read_outside(name, chain):
            builder.store(slots[name], self._new(name))
        if name in self.external:
            builder.store(slots[name], self.external[name])
            self.handed.add(name)
        if not self._read_within(name, chain):
            builder.free(slots.pop(name))

    def _read_outside(self, name: str, chain: Chain) -> bool:
        inside = {node.name for node in chain.nodes}
        return any(node.name not in inside for node in self.wires.readers.get(name, ()))

    def _read_within(self, name: str, chain: Chain) -> bool:
        return any(name in self.wires.inputs(node) for node in chain.nodes)

    def _limits(self, node: Threshold, times: int = 1) -> BitThresholds:
        limits = BitThresholds(np.tile(node.thresholds[:, 0], times), np.tile(node.negate, times))
        self.keep.append(limits)
        return limits

    def _flat_sign(self, chain: Chain) -> None:
        node, flatten = chain.nodes
        assert isinstance(node, Threshold)
        (source,), target = self.wires.inputs(node), flatten.outputs[0]
        kind = self.graph.streams[target]
        builder = PassBuilder(image(kind.shape))
        slot = builder.load(self._dense(source).seen_as(kind.shape))
        builder.sign(slot, self._limits(node, kind.size // len(node.negate)), self._new(target))
        self._pass(builder, (node.name, flatten.name))

    # Products and pools

    def _windowed(self, node: Node) -> tuple[str, Window] | None:
        """The image and the window that a node reads, where windows lie in front of it."""
        (name,) = self.wires.inputs(node)
        if (places := self.wires.windows.get(name)) is None:
            return None
        return self.wires.inputs(places)[0], Window(places.kernel, places.stride, places.dilation)

    def _layer(self, node: MatVec) -> tuple[str, XnorLayer | IntLayer]:
        """A layer's image and its kernel."""
        source, window = self._windowed(node) or (self.wires.inputs(node)[0], Window())
        kind = self.graph.streams[source]
        borders = None if node.border is None else Borders(node.border.row_class, node.border.col_class, node.border.table)
        binary = kind.dtype.bipolar and node.weight_type.bipolar
        try:
            layer = (XnorLayer if binary else IntLayer)(node.weights, kind.channels, window, borders=borders, isa=self.isa)
        except BadInputError as error:
            raise BadInputError(f"node {node.name}: {error}") from error
        self.keep.append(layer)
        return source, layer

    def _straight_to_bits(self, builder: PassBuilder, node: MatVec, sign: Node, chain: Chain) -> bool:
        assert isinstance(sign, Threshold)
        seen = self._read_outside(node.outputs[0], chain) or not self.external.keys().isdisjoint((node.outputs[0], sign.outputs[0]))
        if seen or not (self.wires.types(node)[0].bipolar and node.weight_type.bipolar):
            return False
        source, layer = self._layer(node)
        assert isinstance(layer, XnorLayer)
        builder.xnor_bits(self._as(source, Element.BITS), layer, self._limits(sign), self._new(sign.outputs[0]))
        return True

    def _product(self, builder: PassBuilder, node: MatVec) -> int:
        source, layer = self._layer(node)
        if isinstance(layer, XnorLayer):
            return builder.xnor(self._as(source, Element.BITS), layer)
        kind = self.graph.streams[source].dtype
        narrow = min(kind.minimum, int(node.weights.min())) >= -(1 << 15) and max(kind.maximum, int(node.weights.max())) < 1 << 15
        return builder.integers(self._as(source, Element.I16 if narrow else Element.I32), layer)

    def _pool(self, builder: PassBuilder, node: Node) -> int:
        total = isinstance(node, Summing)
        if isinstance(node, GlobalSum):
            (name,) = self.wires.inputs(node)
            return builder.pool(self._view_of(name), Window(self._view_of(name).shape[:2]), total=True)
        if found := self._windowed(node):
            return builder.pool(self._view_of(found[0]), found[1], total=total)
        (name,), (height, width, channels) = self.wires.inputs(node), image(self.graph.streams[node.outputs[0]].shape)
        taps = self.graph.streams[name].size // (height * width * channels)
        view = self._dense(name, unpacked=True).seen_as((height, width * taps, channels))
        return builder.pool(view, Window((1, taps), (1, taps)), total=total)

    def _pool_bits(self, node: Node, window: tuple[str, Window]) -> None:
        source, target = self._as(window[0], Element.BITS), self._new(node.outputs[0])
        where = (window[1].kernel, window[1].stride, window[1].dilation)
        self._step((node.name,), (source, target), lambda p: p.pool_bits(source.native(), target.native(), *where))

    # Moves

    def _pad(self, node: Pad) -> None:
        (name,), out = self.wires.inputs(node), node.outputs[0]
        height, width, _ = self.graph.streams[name].shape
        if out not in self.views:
            source, whole = self._view_of(name), self._new(out)
            self._copy(source, whole.inside(node.top, node.left, height, width), self.graph.streams[name].dtype)
        whole, sides = self.views[out], [node.top, node.bottom, node.left, node.right]
        pixel = _pixel_bytes(node, whole.element)
        self._step((node.name,), (whole,), lambda p: p.margins(whole.native(), sides, pixel))

    def _flatten(self, node: Flatten) -> None:
        (name,), out = self.wires.inputs(node), node.outputs[0]
        kind, target = self.graph.streams[name], self.graph.streams[out]
        view = self._dense(name)
        if view.element is not Element.BITS or kind.channels % 64 == 0 or kind.size == kind.channels:
            self.views[out] = view.seen_as(target.shape)
            return
        flat, cover = self._new(out), ((view.shape[0], view.shape[1]), (1, 1), (1, 1))
        self._step((node.name,), (view, flat), lambda p: p.gather_bits(view.native(), flat.native(), *cover))

    def _concat(self, node: Concat) -> None:
        (first, second), out = self.wires.inputs(node), self._new(node.outputs[0])
        dtype, channels = self.graph.streams[first].dtype, self.graph.streams[first].channels
        if dtype.bipolar and out.element is Element.BITS:
            one, two = self._as(first, Element.BITS), self._as(second, Element.BITS)
            self._step((node.name,), (one, two, out), lambda p: p.concat_bits(one.native(), two.native(), out.native()))
            return
        self._copy(self._view_of(first), out.part(0, channels), dtype)
        self._copy(self._view_of(second), out.part(channels, channels), dtype)

    def _arg_max(self, node: ArgMax) -> None:
        (name,) = self.wires.inputs(node)
        values = View.make(Element.I64, self.graph.streams[name].shape)
        builder = PassBuilder(values.shape, wide=True)
        builder.store(builder.load(self._view_of(name)), values)
        self._pass(builder)
        best = self._new(node.outputs[0], Element.I64)
        self._step((node.name,), (values, best), lambda p: p.arg_max(values.native(), best.native()))

    def _windows(self, node: SlidingWindow) -> View:
        """Windows laid out in memory, for a reader that does not slide over the image itself."""
        (name,), out = self.wires.inputs(node), node.outputs[0]
        if out in self.views:
            return self.views[out]
        kind, (rows, cols, _) = self.graph.streams[name], self.graph.streams[out].shape
        if kind.dtype.bipolar:
            source, target = self._as(name, Element.BITS), self._new(out, Element.BITS)
            where = (node.kernel, node.stride, node.dilation)
            self._step((node.name,), (source, target), lambda p: p.gather_bits(source.native(), target.native(), *where))
            return target
        image_view, made = self._view_of(name), self._new(out)
        for i in range(node.kernel[0]):
            for j in range(node.kernel[1]):
                tap = image_view.inside(i * node.dilation[0], j * node.dilation[1], 1, 1).strided(node.stride, rows, cols)
                self._copy(tap, made.part((i * node.kernel[1] + j) * kind.channels, kind.channels), kind.dtype)
        return made

    # Streams

    def _view_of(self, name: str) -> View:
        """Where a stream lies; windows are laid out now."""
        return self._windows(self.wires.windows[name]) if name in self.wires.windows else self.views[name]

    def _dense(self, name: str, *, unpacked: bool = False) -> View:
        """A stream whose pixels follow each other, as integers if ``unpacked``; a copy of it if need be."""
        view = self._view_of(name)
        element = Element.I8 if unpacked and view.element is Element.BITS else view.element
        if element is view.element and view.dense:
            return view
        return self._as(name, element, dense=True)

    def _as(self, name: str, element: Element, *, dense: bool = False) -> View:
        """A stream in the arena, as these elements."""
        view = self._view_of(name)
        if view.element is element and view.buffer.place is None and (view.dense or not dense):
            return view
        if (name, element) not in self.converted:
            kind = self.graph.streams[name]
            self.converted[name, element] = View.make(element, kind.shape)
            self._copy(view, self.converted[name, element], kind.dtype)
        return self.converted[name, element]

    def _new(self, name: str, element: Element | None = None) -> View:
        """Memory for a stream: inside the margin that is its only use but element by element, or by itself."""
        readers, kind = self.wires.readers.get(name, ()), self.graph.streams[name]
        pads = [node for node in readers if isinstance(node, Pad)]
        if element is None and len(pads) == 1 and all(isinstance(node, (Pad, *ELEMENTWISE)) for node in readers) and name not in self.external:
            pad = pads[0]
            whole = self._new(pad.outputs[0])
            self.views[name] = whole.inside(pad.top, pad.left, *kind.shape[:2])
            return self.views[name]
        if element is None:
            element = self._element_for(name)
        self.views[name] = View.make(element, kind.shape)
        return self.views[name]

    def _element_for(self, name: str) -> Element:
        """Integers that a matrix product behind a stream reads as they are, where there is one."""
        kind = self.graph.streams[name].dtype
        found = storage(kind)
        behind = [node for reader in self.wires.readers.get(name, ()) for node in self._behind(reader)]
        products = any(isinstance(node, MatVec) for node in behind)
        return Element.I16 if products and found in (Element.U8, Element.I8, Element.I16) else found

    def _behind(self, reader: Node) -> tuple[Node, ...]:
        return self.wires.readers.get(reader.outputs[0], ()) if isinstance(reader, SlidingWindow | Flatten) else (reader,)


def _number(dtype: IntType) -> Element:
    """How a caller may hold a stream: in integers, BIPOLAR ones too."""
    return Element.I8 if dtype.bipolar else storage(dtype)


def _pixel_bytes(node: Pad, element: Element) -> np.ndarray:
    """One pixel of a margin as it lies in memory."""
    if element is Element.BITS:
        words = np.zeros(-(-len(node.value) // 64), np.uint64)
        for c in np.flatnonzero(node.value > 0):
            words[c // 64] |= np.uint64(1) << np.uint64(c % 64)
        return words.view(np.uint8)
    types = {Element.U8: np.uint8, Element.I8: np.int8, Element.I16: np.int16, Element.I32: np.int32, Element.I64: np.int64}
    return np.ascontiguousarray(node.value.astype(types[element])).view(np.uint8)
