"""From a folded network to the float graph: pixels, their normalisation, and every operation as a node."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from xnorflow.errors import UnsupportedModelError
from xnorflow.hw.chain import FloatChain, FloatStep, StepKind
from xnorflow.hw.graph import Graph, StreamType
from xnorflow.hw.lowering.affine import fit_affine, pixel_values
from xnorflow.hw.lowering.attributes import Attributes
from xnorflow.hw.lowering.builder import Builder, Tensor
from xnorflow.hw.lowering.executor import node_label
from xnorflow.hw.lowering.float_nodes import Linear, Pointwise, Quantise
from xnorflow.hw.lowering.import_ops import IMPORTERS
from xnorflow.hw.lowering.layout import NCHW, NHWC, Layout
from xnorflow.hw.nodes import Flatten
from xnorflow.hw.types import IntType

if TYPE_CHECKING:
    from xnorflow.hw.lowering.network import Network
    from xnorflow.pixels import PixelNorm

PIXELS = "pixels"
_IMAGE_CHANNELS = (1, 3, 4)
_UINT8 = IntType(8, signed=False)


def input_layout(network: Network) -> Layout:
    """Where the pixels are in the model's input; a flat input ``(1, K)`` is an image of one pixel with K channels."""
    shape = network.file.input_shape
    if len(shape) == 2:
        return Layout.plain(shape, (1, 1, shape[1]))
    if len(shape) == 3:
        return Layout.plain(shape, (shape[1], shape[2], 1))
    return Layout.image(shape, NHWC if _is_channels_last(network, shape) else NCHW)


def _is_channels_last(network: Network, shape: tuple[int, ...]) -> bool:
    for node in network.nodes:
        if node.op_type == "Transpose":
            return Attributes(node).integers("perm", ()) == (0, 3, 1, 2)
        if node.op_type in ("AveragePool", "BatchNormalization", "Conv", "GlobalAveragePool", "MaxPool"):
            return False
    return shape[3] in _IMAGE_CHANNELS and shape[1] > max(_IMAGE_CHANNELS)


def norm_chain(norm: PixelNorm, channels: int) -> FloatChain:
    """The normalisation of pixels as float32 steps, the very ones of ``PixelNorm.apply``."""
    norm.apply(np.zeros((1, channels), dtype=np.uint8))
    steps = []
    if norm.scale.numerator != 1:
        steps.append(FloatStep.of(StepKind.MUL, float(norm.scale.numerator)))
    if norm.scale.denominator != 1:
        steps.append(FloatStep.of(StepKind.DIV, float(norm.scale.denominator)))
    if norm.mean:
        steps.append(FloatStep.of(StepKind.SUB, np.asarray(norm.mean)))
    if norm.std:
        steps.append(FloatStep.of(StepKind.DIV, np.asarray(norm.std)))
    return FloatChain(tuple(steps))


def import_network(network: Network, norm: PixelNorm) -> tuple[Builder, Graph]:
    """Make the float graph.

    Returns:
        The builder, with names, layouts and the file's labels, and the graph from UINT8 ``pixels`` to the float output.

    Raises:
        UnsupportedModelError: an operation that has no exact meaning in hardware; the message names the node.
    """
    builder = Builder(network)
    layout = input_layout(network)
    builder.streams.take(PIXELS, "t")
    _add_input(builder, layout, norm)
    for node in network.nodes:
        if node.op_type not in IMPORTERS:
            raise UnsupportedModelError(f"node {node_label(node)}: {node.op_type} can be executed, but not compiled yet")
        IMPORTERS[node.op_type](builder, node)
    output = builder.tensors[network.file.output_name]
    _finish(builder, output)
    graph = Graph({PIXELS: StreamType(layout.stream, _UINT8)}, tuple(builder.nodes), (builder.tensors[network.file.output_name].stream,))
    builder.loose = _unquantised_start(graph)
    return builder, graph


def _add_input(builder: Builder, layout: Layout, norm: PixelNorm) -> None:
    channels = layout.stream[2]
    chain = norm_chain(norm, channels)
    stream = builder.stream_name(builder.network.file.input_name, "_normalised")
    builder.nodes.append(Pointwise(name=builder.names.take("pixel_norm", "n"), inputs=(PIXELS,), outputs=(stream,), chain=chain))
    fit = fit_affine(chain, channels)
    exact = fit is not None and fit.zero is not None and _is_integer_multiple(chain, channels, float(fit.step))
    step = float(fit.step) if fit is not None and exact else None
    values = np.unique(pixel_values(chain, channels))
    if len(layout.shape) == 2:
        flat = builder.stream_name(builder.network.file.input_name, "_flat")
        builder.nodes.append(Flatten(name=builder.names.take("pixel_flatten", "n"), inputs=(stream,), outputs=(flat,)))
        stream, layout = flat, layout.flattened(layout.shape)
    builder.tensors[builder.network.file.input_name] = Tensor(stream, layout, values, step)


def _is_integer_multiple(chain: FloatChain, channels: int, step: float) -> bool:
    codes = pixel_values(chain, channels).astype(np.float64) / step
    return bool(np.all(codes == np.rint(codes)))


def _finish(builder: Builder, output: Tensor) -> None:
    """Bring the output to one vector of classes."""
    shape = output.layout.shape
    if not output.layout.in_order:
        raise UnsupportedModelError(
            f"output {builder.network.file.output_name!r} of shape {shape} is an image; a vector of classes (1, K) is accepted"
        )
    if len(output.layout.stream) == 1:
        return
    if prod(output.layout.stream[:2]) != 1:
        raise UnsupportedModelError(
            f"output {builder.network.file.output_name!r} of shape {shape} is an image; a vector of classes (1, K) is accepted"
        )
    stream = builder.stream_name(builder.network.file.output_name, "_vector")
    builder.nodes.append(Flatten(name=builder.names.take("output_flatten", "n"), inputs=(output.stream,), outputs=(stream,)))
    builder.tensors[builder.network.file.output_name] = Tensor(stream, output.layout.flattened(shape), output.values, output.step)


def _unquantised_start(graph: Graph) -> set[str]:
    """Names of the Pointwise nodes on the way from the pixels to a first Linear, where no Quantise comes before it."""
    names: set[str] = set()
    for node in graph.nodes:
        if isinstance(node, Linear):
            return names
        if isinstance(node, Quantise):
            break
        if isinstance(node, Pointwise):
            names.add(node.name)
    return set()


def model_input(network: Network, images: Any) -> Any:
    """Images ``(N, C, H, W)`` as the model's input takes them.

    Raises:
        UnsupportedModelError: they do not fit the model.
    """
    layout, shape = input_layout(network), network.file.input_shape
    height, width, channels = layout.stream
    if len(shape) == 4 and images.shape[1:] == (channels, height, width):
        return layout.from_stream(images.transpose(0, 2, 3, 1))
    if len(shape) != 4 and prod(images.shape[1:]) == prod(shape):
        return np.ascontiguousarray(images.reshape(len(images), *shape[1:]))
    text = f"images of shape {tuple(images.shape[1:])} (C, H, W) do not fit the input {network.file.input_name!r} of shape {shape}"
    raise UnsupportedModelError(f"{text}; {(channels, height, width)} is accepted")
