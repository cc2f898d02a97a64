"""Small hand-made networks for tests that need a whole graph."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest

from xnorflow.hw.graph import Graph, Node, StreamType
from xnorflow.hw.nodes import (
    Add,
    Affine,
    ChannelGate,
    Concat,
    Flatten,
    GlobalSum,
    IntMatVec,
    MaxPool,
    Multiply,
    Pad,
    SlidingWindow,
    Table,
    Threshold,
    XnorMatVec,
)
from xnorflow.hw.nodes.mat_vec import Border
from xnorflow.hw.types import BIPOLAR, IntType

if TYPE_CHECKING:
    from collections.abc import Sequence

    from xnorflow.hw.types import IntArray

UINT8 = IntType(8, signed=False)
INT7 = IntType(7, signed=True)
UINT2, UINT4 = (IntType(bits, signed=False) for bits in (2, 4))


class Networks:
    """Builders of unfolded graphs with random weights from one seed."""

    def __init__(self) -> None:
        self.rng = np.random.default_rng(0)

    def signs(self, *shape: int) -> IntArray:
        return self.rng.choice(np.array([-1, 1]), shape)

    def threshold(self, name: str, source: str, channels: int, spread: int = 8) -> Threshold:
        return Threshold(
            name=name,
            inputs=(source,),
            outputs=(f"{name}_out",),
            thresholds=self.rng.integers(-spread, spread + 1, (channels, 1)),
            negate=self.rng.random(channels) < 0.5,
            base=-1,
            step=2,
            out_type=BIPOLAR,
        )

    def matvec(self, name: str, source: str, mw: int, mh: int, border: Border | None = None) -> XnorMatVec:
        return XnorMatVec(name=name, inputs=(source,), outputs=(f"{name}_out",), weights=self.signs(mh, mw), weight_type=BIPOLAR, border=border)

    def mlp(self, sizes: Sequence[int] = (64, 32, 32, 10), image: tuple[int, int, int] = (8, 8, 1)) -> Graph:
        """Pixels, a sign, and fully connected binary layers named fc0, fc1, ...; logits come out."""
        first = self.threshold("pixel_sign", "pixels", image[2])
        nodes: list[Node] = [first, Flatten(name="flatten", inputs=first.outputs, outputs=("flat",))]
        stream = "flat"
        for index, (mw, mh) in enumerate(pairwise(sizes)):
            nodes.append(self.matvec(f"fc{index}", stream, mw, mh))
            if index < len(sizes) - 2:
                nodes.append(self.threshold(f"sign{index}", f"fc{index}_out", mh))
            (stream,) = nodes[-1].outputs
        return Graph({"pixels": StreamType(image, UINT8)}, tuple(nodes), (stream,))

    def cnn(self) -> Graph:
        """8-bit 3x3 convolution, binary zero-padded 3x3 convolution with its border table, 2x2 pool, one linear layer."""
        nodes: list[Node] = [
            SlidingWindow(name="win0", inputs=("pixels",), outputs=("w0",), kernel=(3, 3)),
            IntMatVec(name="conv0", inputs=("w0",), outputs=("c0",), weights=self.signs(8, 27), weight_type=BIPOLAR),
            self.threshold("sign0", "c0", 8, 200),
            Pad(name="pad1", inputs=("sign0_out",), outputs=("p1",), top=1, bottom=1, left=1, right=1, value=np.full(8, -1)),
            SlidingWindow(name="win1", inputs=("p1",), outputs=("w1",), kernel=(3, 3)),
            self.matvec("conv1", "w1", 72, 12, self.border(6, 6, 12)),
            self.threshold("sign1", "conv1_out", 12),
            SlidingWindow(name="win2", inputs=("sign1_out",), outputs=("w2",), kernel=(2, 2), stride=(2, 2)),
            MaxPool(name="pool2", inputs=("w2",), outputs=("m2",), taps=4),
            Flatten(name="flatten", inputs=("m2",), outputs=("flat",)),
            self.matvec("fc", "flat", 108, 10),
        ]
        return Graph({"pixels": StreamType((8, 8, 3), UINT8)}, tuple(nodes), ("fc_out",))

    def affine(self, name: str, source: str, channels: int, pieces: int = 1) -> Affine:
        mul, add = self.rng.integers(-40, 41, (channels, pieces)), self.rng.integers(-99, 100, (channels, pieces))
        knee = self.rng.integers(-9, 10, channels if pieces == 2 else 0)
        return Affine(name=name, inputs=(source,), outputs=(f"{name}_out",), mul=mul, add=add, knee=knee, shift=4, out_type=INT7)

    def block(self, name: str, source: str, channels: int, stride: int = 1) -> list[Node]:
        """A binary 3x3 convolution behind a sign, and what passes it: nothing, or every other pixel through 1x1 weights."""
        wide = channels * stride
        nodes: list[Node] = [
            self.threshold(f"{name}_sign", source, channels, 20),
            Pad(
                name=f"{name}_pad",
                inputs=(f"{name}_sign_out",),
                outputs=(f"{name}_p",),
                top=1,
                bottom=1,
                left=1,
                right=1,
                value=np.full(channels, -1),
            ),
            SlidingWindow(name=f"{name}_win", inputs=(f"{name}_p",), outputs=(f"{name}_w",), kernel=(3, 3), stride=(stride, stride)),
            self.matvec(f"{name}_conv", f"{name}_w", 9 * channels, wide),
            self.affine(f"{name}_norm", f"{name}_conv_out", wide, 2),
        ]
        short = source
        if stride > 1:
            down = SlidingWindow(name=f"{name}_down", inputs=(source,), outputs=(f"{name}_d",), kernel=(1, 1), stride=(stride, stride))
            weights = self.rng.integers(-7, 8, (wide, channels))
            mix = IntMatVec(name=f"{name}_mix", inputs=down.outputs, outputs=(f"{name}_m",), weights=weights, weight_type=INT7)
            scale = self.affine(f"{name}_scale", f"{name}_m", wide)
            nodes += [down, mix, scale]
            (short,) = scale.outputs
        return [*nodes, Add(name=f"{name}_add", inputs=(nodes[4].outputs[0], short), outputs=(f"{name}_out",), out_type=INT7)]

    def residual(self, size: int = 8, channels: int = 4) -> Graph:
        """An integer convolution, a block with a plain skip, one that halves the image, and a linear layer."""
        nodes: list[Node] = [
            SlidingWindow(name="win", inputs=("pixels",), outputs=("w",), kernel=(3, 3)),
            IntMatVec(name="stem", inputs=("w",), outputs=("s",), weights=self.signs(channels, 9), weight_type=BIPOLAR),
            self.affine("norm", "s", channels),
            *self.block("one", "norm_out", channels),
            *self.block("two", "one_out", channels, stride=2),
            Flatten(name="flatten", inputs=("two_out",), outputs=("flat",)),
        ]
        taps = (-(-size // 2)) ** 2 * 2 * channels
        weights = self.rng.integers(-7, 8, (3, taps))
        nodes.append(IntMatVec(name="fc", inputs=("flat",), outputs=("fc_out",), weights=weights, weight_type=INT7))
        return Graph({"pixels": StreamType((size + 2, size + 2, 1), UINT8)}, tuple(nodes), ("fc_out",))

    def gated(self, size: int = 8, channels: int = 4) -> Graph:
        """An integer convolution, whose values gate those of a binary one behind it and stand beside them, and a linear layer."""
        *branch, _ = self.block("one", "norm_out", channels)
        nodes: list[Node] = [
            SlidingWindow(name="win", inputs=("pixels",), outputs=("w",), kernel=(3, 3)),
            IntMatVec(name="stem", inputs=("w",), outputs=("s",), weights=self.signs(channels, 9), weight_type=BIPOLAR),
            self.affine("norm", "s", channels),
            *branch,
            Multiply(name="gate", inputs=("norm_out", branch[-1].outputs[0]), outputs=("gated",), shift=4, out_type=INT7),
            Concat(name="both", inputs=("norm_out", "gated"), outputs=("joined",)),
            Flatten(name="flatten", inputs=("joined",), outputs=("flat",)),
        ]
        weights = self.rng.integers(-7, 8, (3, 2 * size * size * channels))
        nodes.append(IntMatVec(name="fc", inputs=("flat",), outputs=("fc_out",), weights=weights, weight_type=INT7))
        return Graph({"pixels": StreamType((size + 2, size + 2, 1), UINT8)}, tuple(nodes), ("fc_out",))

    def squeezed(self, size: int = 8, channels: int = 4) -> Graph:
        """An integer convolution, the sums of its channels through two small layers and a table, which gate it, and a linear layer."""
        narrow = self.threshold("hidden", "squeeze_out", channels // 2, 40)
        levels = np.sort(self.rng.integers(-20, 121, (channels // 2, 3)), axis=1)
        excite = self.mix("excite", "hidden_out", channels // 2, channels)
        entries = 1 << excite.infer((StreamType((1, 1, channels // 2), UINT2),))[0].dtype.bits
        nodes: list[Node] = [
            SlidingWindow(name="win", inputs=("pixels",), outputs=("w",), kernel=(3, 3)),
            IntMatVec(name="stem", inputs=("w",), outputs=("s",), weights=self.signs(channels, 9), weight_type=BIPOLAR),
            replace(self.affine("norm", "s", channels), shift=9),
            GlobalSum(name="sum", inputs=("norm_out",), outputs=("sum_out",)),
            replace(self.affine("mean", "sum_out", channels), shift=9),
            self.mix("squeeze", "mean_out", channels, channels // 2),
            replace(narrow, thresholds=levels, negate=np.zeros(channels // 2, dtype=np.bool_), base=0, step=1, out_type=UINT2),
            excite,
            Table(name="sigmoid", inputs=("excite_out",), outputs=("g",), values=self.rng.integers(0, 16, (1, entries)), out_type=UINT4),
            ChannelGate(name="gate", inputs=("norm_out", "g"), outputs=("gated",), shift=3, out_type=INT7),
            Flatten(name="flatten", inputs=("gated",), outputs=("flat",)),
            self.mix("fc", "flat", size * size * channels, 3),
        ]
        return Graph({"pixels": StreamType((size + 2, size + 2, 1), UINT8)}, tuple(nodes), ("fc_out",))

    def mix(self, name: str, source: str, mw: int, mh: int) -> IntMatVec:
        weights = self.rng.integers(-7, 8, (mh, mw))
        return IntMatVec(name=name, inputs=(source,), outputs=(f"{name}_out",), weights=weights, weight_type=INT7)

    def border(self, rows: int, cols: int, mh: int) -> Border:
        def classes(n: int) -> IntArray:
            return np.array([0, *[1] * (n - 2), 2])

        return Border(classes(rows), classes(cols), self.rng.integers(-9, 10, (3, 3, mh)))


@pytest.fixture
def networks() -> Networks:
    return Networks()
