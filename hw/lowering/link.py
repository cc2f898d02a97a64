"""The link QONNX = dataflow graph, on any images: ``==`` where the file's sums are exact, else within the proven bound."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from xnorflow.errors import CheckFailedError
from xnorflow.hw.lowering.expected import argmax_interval, expected_streams
from xnorflow.hw.lowering.importer import import_network, input_layout
from xnorflow.hw.lowering.model_file import read_model
from xnorflow.hw.lowering.network import fold
from xnorflow.hw.lowering.verify import Verifier

if TYPE_CHECKING:
    from pathlib import Path

    from xnorflow.hw.chain import AnyArray, FloatChain
    from xnorflow.hw.graph import Graph
    from xnorflow.hw.lowering.expected import Expected
    from xnorflow.pixels import PixelNorm


class QonnxLink:
    """Compares a lowered graph with the QONNX execution of its file, stream by stream.

    Each quantised stream is computed from the QONNX values of the one before it, so a rounding that flips one decision
    within its bound does not hide or feign others. For an exact file this is plain equality of every stream.

    Args:
        model: path of the file, or an ``onnx.ModelProto``.
        graph: what the lowering made of it, folded or not.
        tail: the host's tail.
        norm: the normalisation that was folded in.
    """

    def __init__(self, model: Path | Any, graph: Graph, tail: FloatChain, norm: PixelNorm) -> None:
        self._network = fold(read_model(model))
        self._graph, self._tail, self._norm = graph, tail, norm
        self._builder, self._imported = import_network(self._network, norm)

    @property
    def exact(self) -> bool:
        """Whether the file's float32 sums are exact in any order, so that everything is compared by ``==``."""
        return not self._builder.inexact

    def check(self, pixels: AnyArray, batch: int = 64) -> int:
        """Check images.

        Args:
            pixels: integers 0..255, ``(N, H, W, C)``.
            batch: images at a time.

        Returns:
            Elements of streams and logits that differ from the QONNX execution within the bound; 0 for an exact file.

        Raises:
            CheckFailedError: a stream or a logit differs; names the node, the image, the position and both values.
        """
        return sum(self._check(pixels[i : i + batch].astype(np.int64), i) for i in range(0, len(pixels), batch))

    def _check(self, pixels: AnyArray, first: int) -> int:
        images = input_layout(self._network).from_stream(self._norm.apply(pixels))
        tensors = self._network.run(np.ascontiguousarray(images), keep_all=True)
        expected = expected_streams(self._builder, self._imported, pixels, tensors, first)
        verifier = Verifier(pixels, expected, self._builder.origins, first)
        rounded = verifier.check("link", self._graph)
        ours = self._tail.apply(verifier.values[self._graph.outputs[0]])
        return rounded + self._check_output(ours, expected[self._imported.outputs[0]], first)

    def _check_output(self, ours: AnyArray, logits: Expected, first: int) -> int:
        low, high, value = logits.low, logits.high, logits.value
        if ours.shape != value.shape:
            low, high = argmax_interval(logits)
            value = np.argmax(value, axis=-1, keepdims=True)
        wrong = ~((ours >= low) & (ours <= high))
        if np.any(wrong):
            image, place = (int(i) for i in np.argwhere(wrong)[0])
            text = f"image {first + image}, output {place}: {ours[image, place]} instead of {value[image, place]}"
            raise CheckFailedError(f"the graph's output differs from the QONNX execution at {text}")
        return int((ours != value).sum())
