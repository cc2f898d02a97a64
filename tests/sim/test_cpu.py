"""The CPU runtime computes what the interpreter computes, stream by stream."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest

from xnorflow import kernels
from xnorflow.hw import interpreter
from xnorflow.hw.graph import Graph, Node, StreamType
from xnorflow.hw.nodes import ArgMax, Fifo, Flatten, IntMatVec, MaxPool, Pad, SlidingWindow, Table, Threshold, WidthConverter, XnorMatVec
from xnorflow.hw.nodes.mat_vec import Border
from xnorflow.hw.types import BIPOLAR, IntType
from xnorflow.sim.cpu import CpuRuntime

UINT8 = IntType(8, signed=False)


def draw(rng: np.random.Generator, kind: StreamType, frames: int) -> np.ndarray:
    """Random values of a stream's type, its extremes among them."""
    if kind.dtype.bipolar:
        return rng.choice(np.array([-1, 1]), (frames, *kind.shape))
    values = rng.integers(kind.dtype.minimum, kind.dtype.maximum + 1, (frames, *kind.shape))
    return np.where(rng.random(values.shape) < 0.05, kind.dtype.maximum, np.where(rng.random(values.shape) < 0.05, kind.dtype.minimum, values))


@dataclass
class Builder:
    """Appends random nodes to a chain."""

    rng: np.random.Generator
    kind: StreamType
    nodes: list[Node] = field(default_factory=list)
    taps: int = 1

    def __post_init__(self) -> None:
        self.inputs = {"pixels": self.kind}

    @property
    def stream(self) -> str:
        return f"s{len(self.nodes)}" if self.nodes else "pixels"

    def add(self, cls: type[Node], **fields: object) -> None:
        index = len(self.nodes)
        node = cls(name=f"n{index}", inputs=(self.stream,), outputs=(f"s{index + 1}",), **fields)
        (self.kind,) = node.infer((self.kind,))
        self.nodes.append(node)

    def graph(self) -> Graph:
        return Graph(self.inputs, tuple(self.nodes), (self.stream,))

    def pad(self) -> None:
        top, bottom, left, right = (int(v) for v in self.rng.integers(0, 3, 4))
        value = draw(self.rng, StreamType((self.kind.channels,), self.kind.dtype), 1)[0]
        self.add(Pad, top=top, bottom=bottom, left=left, right=right, value=value)

    def windows(self) -> None:
        height, width, _ = self.kind.shape
        kernel = tuple(int(min(self.rng.choice([1, 2, 3, 5]), size)) for size in (height, width))
        dilation = tuple(2 if 2 * (k - 1) < size and self.rng.random() < 0.3 else 1 for k, size in zip(kernel, (height, width), strict=True))
        self.taps = kernel[0] * kernel[1]
        self.add(SlidingWindow, kernel=kernel, stride=tuple(int(v) for v in self.rng.integers(1, 3, 2)), dilation=dilation)

    def mat_vec(self) -> None:
        mh, mw = int(self.rng.integers(1, 80)), self.kind.channels
        border = self.border(mh) if len(self.kind.shape) == 3 and self.rng.random() < 0.4 else None
        if self.kind.dtype.bipolar and self.rng.random() < 0.8:
            self.add(XnorMatVec, weights=self.rng.choice(np.array([-1, 1]), (mh, mw)), weight_type=BIPOLAR, border=border)
            return
        kind = self.rng.choice([BIPOLAR, IntType(2, signed=True), IntType(3, signed=False), IntType(8, signed=True)])
        self.add(IntMatVec, weights=draw(self.rng, StreamType((mw,), kind), mh), weight_type=kind, border=border)

    def border(self, mh: int) -> Border:
        height, width, _ = self.kind.shape
        rows, cols = (np.minimum(np.arange(size), 2) for size in (height, width))
        return Border(rows, cols, self.rng.integers(-20, 21, (int(rows.max()) + 1, int(cols.max()) + 1, mh)))

    def threshold(self, out: IntType | None = None) -> None:
        out = out or self.rng.choice([BIPOLAR, BIPOLAR, IntType(2, signed=False), IntType(3, signed=True), IntType(8, signed=False)])
        levels = 1 if out.bipolar else min(out.maximum - out.minimum, 9)
        low, high = max(self.kind.dtype.minimum, -400), min(self.kind.dtype.maximum, 400)
        thresholds = np.sort(self.rng.integers(low - 1, high + 3, (self.kind.channels, levels)), axis=1)
        step = 2 if out.bipolar else 1
        self.add(Threshold, thresholds=thresholds, negate=self.rng.random(self.kind.channels) < 0.4, base=out.minimum, step=step, out_type=out)

    def table(self) -> None:
        out = self.rng.choice([BIPOLAR, IntType(4, signed=True), IntType(16, signed=True)])
        rows = self.kind.channels if self.rng.random() < 0.5 else 1
        values = draw(self.rng, StreamType((1 << self.kind.dtype.bits,), out), rows)
        self.add(Table, values=values, out_type=out)

    def pool(self) -> None:
        self.add(MaxPool, taps=self.taps)

    def wires(self) -> None:
        if self.rng.random() < 0.3:
            self.add(Fifo, depth=2)
        if self.rng.random() < 0.3:
            self.add(WidthConverter, lanes_in=1, lanes_out=self.kind.channels)


def random_graph(seed: int) -> Graph:
    rng = np.random.default_rng(seed)
    dtype = rng.choice([BIPOLAR, UINT8, UINT8, IntType(3, signed=True), IntType(12, signed=True)])
    shape = (int(rng.integers(3, 9)), int(rng.integers(3, 9)), int(rng.choice([1, 3, 17, 64, 65])))
    b = Builder(rng, StreamType(shape, dtype))
    for _ in range(int(rng.integers(1, 4))):
        if rng.random() < 0.5:
            b.pad()
        b.windows()
        b.wires()
        choice = rng.random()
        if choice < 0.6:
            b.mat_vec()
            b.wires()
            b.threshold()
        elif choice < 0.85:
            b.pool()
        if b.kind.dtype.bits <= 8 and rng.random() < 0.3:
            b.table()
    if rng.random() < 0.7:
        b.add(Flatten)
        b.wires()
        b.mat_vec()
        if rng.random() < 0.5:
            b.add(ArgMax)
    return b.graph()


@pytest.mark.parametrize("isa", kernels.available())
@pytest.mark.parametrize("seed", range(60))
def test_random_graphs_equal_the_interpreter_on_every_stream(seed: int, isa: str) -> None:
    graph = random_graph(seed)
    pixels = draw(np.random.default_rng(seed), graph.inputs["pixels"], 2 if isa == "reference" else 5)
    expected = interpreter.execute(graph, {"pixels": pixels}, keep_all=True)
    runtime = CpuRuntime(graph, isa=isa)
    actual = runtime.run_all(pixels)
    assert actual.keys() == expected.keys()
    for name, array in expected.items():
        assert actual[name].dtype == np.int64
        assert np.array_equal(actual[name], array), f"stream {name} differs"
    assert np.array_equal(runtime.run(pixels), expected[graph.outputs[0]])
