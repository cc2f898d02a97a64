"""What the import functions write into: the growing graph, names, layouts, and what values a tensor can have."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from xnorflow.errors import UnsupportedModelError
from xnorflow.hw.chain import FloatChain, FloatStep
from xnorflow.hw.lowering.executor import node_label
from xnorflow.hw.lowering.float_nodes import Pointwise
from xnorflow.hw.lowering.names import Names

if TYPE_CHECKING:
    from xnorflow.hw.chain import AnyArray, FloatArray
    from xnorflow.hw.graph import Node
    from xnorflow.hw.lowering.layout import Layout
    from xnorflow.hw.lowering.network import Network
    from xnorflow.hw.lowering.quantiser import Steps

MAX_CODES = 1 << 17  # more values of a tensor than this are not listed


@dataclass(frozen=True, eq=False)
class Tensor:
    """A tensor of the file as a stream.

    Attributes:
        stream: name of the stream.
        layout: where its elements are.
        values: every value that an element can have, or None where that is not a small set.
        step: float32 scale of the integers behind the values, or None where there is no single one.
    """

    stream: str
    layout: Layout
    values: FloatArray | None
    step: float | None = None


@dataclass(eq=False)
class Builder:
    """The graph while it is imported.

    Attributes:
        network: the folded model.
        nodes: made so far, in order.
        tensors: by the file's tensor names.
        codes: stream of integer codes -> (the file's tensor they stand for, scale in stream layout).
        inexact: Linear nodes whose float32 sums may round, with what the bias adds to the bound: float32 ``(M,)``.
        loose: Pointwise nodes between the pixels and a first Linear without quantiser; their affine fit may round.
        origins: node name in the graph -> label of the file's node.
    """

    network: Network
    nodes: list[Node] = field(default_factory=list)
    tensors: dict[str, Tensor] = field(default_factory=dict)
    codes: dict[str, tuple[str, FloatArray]] = field(default_factory=dict)
    inexact: dict[str, FloatArray] = field(default_factory=dict)
    loose: set[str] = field(default_factory=set)
    origins: dict[str, str] = field(default_factory=dict)
    names: Names = field(default_factory=Names)
    streams: Names = field(default_factory=Names)

    def node_name(self, node: Any, suffix: str = "") -> str:
        """A fresh safe node name, remembered with the file's own."""
        name = self.names.take(f"{node.name or node.op_type}{suffix}", node.op_type)
        self.origins[name] = node_label(node)
        return name

    def stream_name(self, tensor: str, suffix: str = "") -> str:
        """A fresh safe stream name."""
        return self.streams.take(f"{tensor}{suffix}", "t")

    def data(self, node: Any) -> Tensor:
        """The first input of a node, which must be a tensor of the image."""
        if node.input[0] not in self.tensors:
            raise UnsupportedModelError(f"node {node_label(node)}: {node.op_type} of a constant by the image is not supported; the image comes first")
        return self.tensors[node.input[0]]

    def constant(self, node: Any, index: int) -> AnyArray | None:
        """A constant input; None where it is left out.

        Raises:
            UnsupportedModelError: the input depends on the image.
        """
        if len(node.input) <= index or not node.input[index]:
            return None
        if node.input[index] not in self.network.constants:
            text = (
                f"node {node_label(node)}: {node.op_type} of two tensors that depend on the image (a branch) is not supported; a constant is accepted"
            )
            raise UnsupportedModelError(text)
        return self.network.constants[node.input[index]]

    def operand(self, node: Any, tensor: Tensor, values: AnyArray) -> FloatArray:
        """A constant that is broadcast over a tensor, as ``(1,)`` or one value per channel of the stream.

        Raises:
            UnsupportedModelError: it is not finite, widens the tensor, or varies over the image.
        """
        label = f"node {node_label(node)}"
        if not np.all(np.isfinite(values)):
            raise UnsupportedModelError(f"{label}: {node.op_type} with a constant that is NaN or Inf; finite numbers are accepted")
        if values.size == 1:
            return values.astype(np.float32).reshape(1)
        try:
            full = np.broadcast_to(values.astype(np.float32), tensor.layout.shape)
        except ValueError as error:
            text = f"{label}: a constant of shape {values.shape} does not fit a tensor of shape {tensor.layout.shape}"
            raise UnsupportedModelError(text) from error
        stream = tensor.layout.to_stream(full)[0].reshape(-1, tensor.layout.stream[-1])
        if np.any(stream != stream[0]):
            raise UnsupportedModelError(f"{label}: a constant that varies over the image; one value, or one per channel, is accepted")
        return np.ascontiguousarray(stream[0])

    def pointwise(self, node: Any, steps: Steps) -> None:
        """Add float32 steps from a node's first input to its first output."""
        tensor = self.data(node)
        chain = FloatChain(tuple(FloatStep(kind, tuple(self.operand(node, tensor, np.asarray(c)) for c in ops)) for kind, ops in steps))
        self.add_chain(node, tensor, chain)

    def add_chain(self, node: Any, tensor: Tensor, chain: FloatChain) -> None:
        """Add a chain from a tensor to a node's first output."""
        stream = self.stream_name(node.output[0])
        self.nodes.append(Pointwise(name=self.node_name(node), inputs=(tensor.stream,), outputs=(stream,), chain=chain))
        self.tensors[node.output[0]] = Tensor(stream, tensor.layout, mapped_values(tensor.values, chain))


def mapped_values(values: FloatArray | None, chain: FloatChain) -> FloatArray | None:
    """Every value that a chain makes of a set of values, over all channels; None where they are too many."""
    if values is None or len(values) * chain.channels > MAX_CODES:
        return None
    return np.unique(chain.apply(np.broadcast_to(values[:, None], (len(values), chain.channels))))
