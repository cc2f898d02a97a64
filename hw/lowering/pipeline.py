"""``lower``: read a QONNX file, import it, run the passes with a check after each, split off the host's tail."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from xnorflow.errors import UnsupportedModelError
from xnorflow.hw.chain import FloatChain
from xnorflow.hw.graph import Graph
from xnorflow.hw.lowering.expected import expected_streams
from xnorflow.hw.lowering.float_nodes import Pointwise, is_float
from xnorflow.hw.lowering.head import add_argmax
from xnorflow.hw.lowering.importer import import_network, input_layout
from xnorflow.hw.lowering.model_file import read_model
from xnorflow.hw.lowering.network import fold
from xnorflow.hw.lowering.passes import PASSES
from xnorflow.hw.lowering.sigmoid import bends
from xnorflow.hw.lowering.verify import Verifier
from xnorflow.hw.nodes import NODES, ArgMax
from xnorflow.pixels import PixelNorm

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from xnorflow.hw.lowering.builder import Builder
    from xnorflow.hw.lowering.model_file import ModelFile
    from xnorflow.hw.lowering.network import Network
    from xnorflow.hw.types import IntArray

Head = Literal["logits", "argmax"]
NORM_KEY = "xnorflow.pixel_norm"
_LARGE = 1 << 22  # elements of all tensors of an image


@dataclass(frozen=True, eq=False)
class Lowered:
    """A network as hardware.

    Attributes:
        graph: one input ``pixels`` (UINT8, ``(H, W, C)``), integer nodes only, one output.
        tail: what the host does with the output; ``tail.apply(output)`` are the file's float logits.
        pixel_norm: the normalisation that is folded in.
        passes: names of the passes, in order.
        notes: ``float_exact`` (the file's float sums are exact, so every comparison is ``==``), ``rounded`` (probe elements
            that differ from the QONNX execution within the proven bound; 0 if exact), ``names`` (node -> the file's node),
            ``input_layout`` (shape of the file's input), ``head``.
    """

    graph: Graph
    tail: FloatChain
    pixel_norm: PixelNorm
    passes: tuple[str, ...]
    notes: Mapping[str, Any]


def lower(
    model: Path | Any,
    *,
    pixel_norm: PixelNorm | None = None,
    head: Head = "logits",
    probes: int = 4,
    progress: Callable[[str], None] | None = None,
) -> Lowered:
    """Lower a QONNX file to a dataflow graph.

    Args:
        model: path of the file, or an ``onnx.ModelProto``.
        pixel_norm: how pixels become the network's input; default: the file's own record, else 1/255.
        head: ``logits``, or ``argmax`` for the label alone.
        probes: random probe images, besides black, white and ramps; all of them are checked behind every pass, in large networks one
            behind the other.
        progress: called with a line for each pass.

    Raises:
        BadInputError, UnsupportedModelError: the model cannot be lowered; one line names node, fact and what is accepted.
        CheckFailedError: a pass changed what the network computes; names pass and node.
    """
    say = progress or (lambda _: None)
    file = read_model(model)
    network = fold(file)
    norm = pixel_norm or _recorded_norm(file)
    builder, graph = import_network(network, norm)
    pixels = probe_images(input_layout(network).stream, probes)
    batches = [pixels[i : i + 1] for i in range(len(pixels))] if _is_large(network) else [pixels]
    stages, rounded = _run_passes(builder, graph, norm, batches[0], say)
    for number, batch in enumerate(batches[1:], 1):
        check = _checker(builder, graph, norm, batch, number)
        rounded += [check(*stage) for stage in stages][-1]
        del check
        say(f"all passes: equal the QONNX execution on probe {number + 1} of {len(batches)}")
    return _finished(builder, stages[-1][1], norm, head, rounded)


def _run_passes(builder: Builder, graph: Graph, norm: PixelNorm, pixels: IntArray, say: Callable[[str], None]) -> tuple[list[tuple[str, Graph]], int]:
    """Every pass's name and graph, each checked before the next one runs, and what the last check returned."""
    check, rounded = _checker(builder, graph, norm, pixels, 0), 0
    say("import: equals the QONNX execution")
    stages: list[tuple[str, Graph]] = []
    for step in PASSES:
        graph = step.run(graph)
        rounded = check(step.name, graph)
        stages.append((step.name, graph))
        say(f"{step.name}: equals the QONNX execution")
    return stages, rounded


def _finished(builder: Builder, graph: Graph, norm: PixelNorm, head: Head, rounded: int) -> Lowered:
    _refuse_floats(builder, graph)
    graph, tail = _split_tail(builder, graph)
    if head == "argmax" and not isinstance(graph.nodes[-1], ArgMax):
        graph, tail = add_argmax(graph, tail), FloatChain()
    notes = {
        "float_exact": not builder.inexact,
        "rounded": rounded,
        "names": {node.name: builder.origins.get(node.name, "") for node in graph.nodes},
        "input_layout": list(builder.network.file.input_shape),
        "head": "argmax" if isinstance(graph.nodes[-1], ArgMax) else "logits",
    }
    return Lowered(graph, tail, norm, tuple(step.name for step in PASSES), notes)


def _recorded_norm(file: ModelFile) -> PixelNorm:
    return PixelNorm.from_json(file.metadata[NORM_KEY]) if NORM_KEY in file.metadata else PixelNorm()


def probe_images(shape: tuple[int, ...], count: int) -> IntArray:
    """Probe images ``(count + 4, H, W, C)``: random ones, black, white, a ramp and its inverse; the same for each call."""
    rng = np.random.default_rng(0)
    ramp = (np.arange(np.prod(shape)) * 7 % 256).reshape(1, *shape)
    fixed = [np.zeros((1, *shape)), np.full((1, *shape), 255), ramp, 255 - ramp]
    return np.concatenate([rng.integers(0, 256, (count, *shape)), *fixed]).astype(np.int64)


def _is_large(network: Network) -> bool:
    """Whether the probes go through the passes one by one, because all their tensors together take too much memory."""
    return sum(prod(shape) for shape in network.shapes.values()) > _LARGE


def _checker(builder: Builder, imported: Graph, norm: PixelNorm, pixels: IntArray, first: int) -> Callable[[str, Graph], int]:
    """The check of a pass on some of the probes, of which ``first`` is the number of the first; the import is checked here."""
    x = input_layout(builder.network).from_stream(norm.apply(pixels))
    tensors = builder.network.run(np.ascontiguousarray(x), keep_all=True)
    return Verifier(pixels, expected_streams(builder, imported, pixels, tensors, first), builder.origins, first).check


def _refuse_floats(builder: Builder, graph: Graph) -> None:
    for node in graph.nodes[:-1] if isinstance(graph.nodes[-1], Pointwise) else graph.nodes:
        if node.op not in NODES or any(is_float(graph.streams[s]) for s in node.inputs):
            label = builder.origins.get(node.name, node.name)
            text = f"{node.op} of float values cannot be made exact in integers here"
            raise UnsupportedModelError(f"node {label}: {text}; a quantiser in front of it, or monotone float operations around it, are accepted")


def _split_tail(builder: Builder, graph: Graph) -> tuple[Graph, FloatChain]:
    last = graph.nodes[-1]
    if not isinstance(last, Pointwise):
        return graph, FloatChain()
    if bends(last.chain):
        label = builder.origins.get(last.name, last.name)
        text = "a Sigmoid at the end, which runtimes compute differently in its last bits"
        raise UnsupportedModelError(f"node {label}: {text}; logits in front of it, or a quantiser behind it, are accepted")
    return Graph(graph.inputs, graph.nodes[:-1], last.inputs), last.chain
