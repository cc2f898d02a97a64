"""Nodes that exist only while a network is lowered: float32 streams and the operations that still work on them.

They execute in the same interpreter as every other node, so a graph can be run and checked between any two passes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from xnorflow.errors import BadInputError
from xnorflow.hw.graph import Node, StreamType
from xnorflow.hw.nodes._checks import image, one_input
from xnorflow.hw.nodes.pad import Pad
from xnorflow.hw.nodes.sliding_window import SlidingWindow
from xnorflow.hw.types import IntType

if TYPE_CHECKING:
    from xnorflow.hw.chain import AnyArray, FloatArray, FloatChain
    from xnorflow.hw.types import IntArray


@dataclass(frozen=True)
class FloatType(IntType):
    """The element type of a float32 stream; no finished graph has one."""

    @property
    def name(self) -> str:
        return "FLOAT32"

    def allows(self, values: AnyArray) -> bool:
        return values.dtype == np.float32


FLOAT32 = FloatType(32, signed=True)


def is_float(kind: StreamType) -> bool:
    """Whether a stream still carries float32."""
    return isinstance(kind.dtype, FloatType)


@dataclass(frozen=True, eq=False, kw_only=True)
class Pointwise(Node):
    """Any stream -> FLOAT32, element by element.

    Attributes:
        chain: the operations; its operands have the stream's channels, or one value for all.
    """

    op = "Pointwise"
    chain: FloatChain

    def infer(self, ins: tuple[StreamType, ...]) -> tuple[StreamType, ...]:
        kind = one_input(self, ins)
        check_chain(self, self.chain, kind)
        return (StreamType(kind.shape, FLOAT32),)

    def execute(self, ins: tuple[Any, ...]) -> tuple[Any, ...]:
        return (self.chain.apply(ins[0]),)


@dataclass(frozen=True, eq=False, kw_only=True)
class Quantise(Node):
    """Any stream -> integer codes: a chain whose last step leaves integers.

    Attributes:
        chain: the operations, the quantiser's rounding (or sign) among them.
        out_type: type of the codes.
    """

    op = "Quantise"
    chain: FloatChain
    out_type: IntType

    def infer(self, ins: tuple[StreamType, ...]) -> tuple[StreamType, ...]:
        kind = one_input(self, ins)
        check_chain(self, self.chain, kind)
        return (StreamType(kind.shape, self.out_type),)

    def execute(self, ins: tuple[Any, ...]) -> tuple[IntArray, ...]:
        return (self.codes(ins[0]),)

    def codes(self, x: AnyArray) -> IntArray:
        """The codes of an array ``(..., C)``."""
        return np.rint(self.chain.apply(x)).astype(np.int64)


@dataclass(frozen=True, eq=False, kw_only=True)
class Linear(Node):
    """A convolution, or a matrix product of a ``(C,)`` stream, with quantised weights ``codes * scale``.

    ``(H, W, C) -> (OH, OW, M)`` or ``(K,) -> (M,)``; sums are float64 here, rounded to float32 once.

    Attributes:
        codes: int64 ``(M, KH, KW, C)``, or ``(M, K)``.
        weight_type: type of the codes.
        scale: float32 ``(M,)``.
        stride, dilation: (vertical, horizontal).
        pads: zeros around the image: top, left, bottom, right.
    """

    op = "Linear"
    codes: IntArray
    weight_type: IntType
    scale: FloatArray
    stride: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    pads: tuple[int, int, int, int] = (0, 0, 0, 0)

    @property
    def is_conv(self) -> bool:
        """Whether this is a convolution."""
        return self.codes.ndim == 4

    @property
    def matrix(self) -> IntArray:
        """The codes as ``(M, KH*KW*C)``, the order of SlidingWindow."""
        return self.codes.reshape(len(self.codes), -1)

    @property
    def weights(self) -> Any:
        """The float32 weights of the file, as ``(M, KH*KW*C)`` float64."""
        return (self.matrix.astype(np.float32) * self.scale[:, None]).astype(np.float64)

    def infer(self, ins: tuple[StreamType, ...]) -> tuple[StreamType, ...]:
        kind = one_input(self, ins)
        if kind.channels != self.codes.shape[-1]:
            raise BadInputError(f"node {self.name}: weights for {self.codes.shape[-1]} inputs do not fit a stream {kind.shape}")
        if not self.is_conv:
            return (StreamType((*kind.shape[:-1], len(self.codes)), FLOAT32),)
        height, width, channels = image(self, kind)
        padded = StreamType((height + self.pads[0] + self.pads[2], width + self.pads[1] + self.pads[3], channels), kind.dtype)
        return (StreamType((*self._window().infer((padded,))[0].shape[:2], len(self.codes)), FLOAT32),)

    def _window(self) -> SlidingWindow:
        kernel = (self.codes.shape[1], self.codes.shape[2])
        return SlidingWindow(name=self.name, inputs=("x",), outputs=("y",), kernel=kernel, stride=self.stride, dilation=self.dilation)

    def windows(self, x: Any) -> Any:
        """The vectors that the matrix multiplies, zeros outside the image: ``(..., KH*KW*C)``, dtype of x."""
        if not self.is_conv:
            return x
        top, left, bottom, right = self.pads
        return self._window().execute((np.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0))),))[0]

    @property
    def only_adds(self) -> bool:
        """Whether this is the sum over each window of each channel: an average pool."""
        if not self.is_conv or self.codes.shape[0] != self.codes.shape[3] or self.codes.shape[1:3] == (1, 1):
            return False
        return bool(np.all(self.codes == np.eye(len(self.codes), dtype=np.int64)[:, None, None, :]))

    def product(self, windows: Any) -> Any:
        """Float64 sums of windows times the weights: ``(..., M)``."""
        return windows @ self.weights.T

    def magnitude(self, windows: Any) -> Any:
        """The same of absolute values: what the sums' rounding is measured by."""
        return np.abs(windows) @ np.abs(self.weights).T

    def magnitudes(self) -> Any:
        """The sum of the absolute weights of each output, float64 ``(M,)``."""
        return np.abs(self.weights).sum(axis=1)

    def code_sums(self, values: Any) -> Any:
        """What the codes make of windows whose every pixel is ``values``, ``(1,)`` or ``(C,)``."""
        return self.matrix @ np.tile(values, self.matrix.shape[1] // len(values))

    def weight_sums(self, values: Any) -> Any:
        """What the weights make of windows whose every pixel is ``values``, ``(1,)`` or ``(C,)``."""
        return self.weights @ np.tile(values, self.matrix.shape[1] // len(values))

    def execute(self, ins: tuple[Any, ...]) -> tuple[Any, ...]:
        return (self.product(self.windows(ins[0].astype(np.float64))).astype(np.float32),)


@dataclass(frozen=True, eq=False, kw_only=True)
class Border(Node):
    """A border of one float value around each image, of any stream type.

    Attributes:
        pads: top, left, bottom, right.
        value: the border.
    """

    op = "Border"
    pads: tuple[int, int, int, int]
    value: float

    def infer(self, ins: tuple[StreamType, ...]) -> tuple[StreamType, ...]:
        height, width, channels = image(self, one_input(self, ins))
        top, left, bottom, right = self.pads
        return (StreamType((height + top + bottom, width + left + right, channels), ins[0].dtype),)

    def execute(self, ins: tuple[Any, ...]) -> tuple[Any, ...]:
        top, left, bottom, right = self.pads
        spec = ((0, 0), (top, bottom), (left, right), (0, 0))
        return (np.pad(ins[0], spec, constant_values=ins[0].dtype.type(self.value)),)


@dataclass(frozen=True, eq=False, kw_only=True)
class Pool(Node):
    """Max pooling of any stream type; positions outside the image do not count.

    Attributes:
        kernel, stride, dilation: (vertical, horizontal).
        pads: top, left, bottom, right; each smaller than the kernel's reach.
    """

    op = "Pool"
    kernel: tuple[int, int]
    stride: tuple[int, int]
    dilation: tuple[int, int] = (1, 1)
    pads: tuple[int, int, int, int] = (0, 0, 0, 0)

    def window(self) -> SlidingWindow:
        """The sliding window of the padded image."""
        return SlidingWindow(name=self.name, inputs=("x",), outputs=("y",), kernel=self.kernel, stride=self.stride, dilation=self.dilation)

    def infer(self, ins: tuple[StreamType, ...]) -> tuple[StreamType, ...]:
        height, width, channels = image(self, one_input(self, ins))
        padded = StreamType((height + self.pads[0] + self.pads[2], width + self.pads[1] + self.pads[3], channels), ins[0].dtype)
        shape = self.window().infer((padded,))[0].shape
        return (StreamType((*shape[:2], channels), ins[0].dtype),)

    def execute(self, ins: tuple[Any, ...]) -> tuple[Any, ...]:
        (x,) = ins
        top, left, bottom, right = self.pads
        least = -np.inf if x.dtype == np.float32 else np.iinfo(np.int64).min
        padded = np.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)), constant_values=least)
        (windows,) = self.window().execute((padded,))
        return (windows.reshape(*windows.shape[:-1], self.kernel[0] * self.kernel[1], -1).max(axis=-2),)


def check_chain(node: Node, chain: FloatChain, kind: StreamType) -> None:
    """Check that a chain's per-channel operands fit a stream."""
    if any(len(c) not in (1, kind.channels) for step in chain.steps for c in step.operands):
        raise BadInputError(f"node {node.name}: constants for {chain.channels} channels do not fit a stream {kind.shape}")


def pad_node(name: str, source: str, result: str, pads: tuple[int, int, int, int], value: IntArray) -> Pad:
    """A Pad node from (top, left, bottom, right)."""
    return Pad(name=name, inputs=(source,), outputs=(result,), top=pads[0], left=pads[1], bottom=pads[2], right=pads[3], value=value)
