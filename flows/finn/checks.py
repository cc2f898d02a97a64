"""FINN's graph against the interpreter, after every step of the builder; FINN itself logs a difference at INFO and goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from qonnx.core.onnx_exec import execute_onnx

from xnorflow.errors import CheckFailedError
from xnorflow.hw.interpreter import execute

if TYPE_CHECKING:
    from xnorflow.hw.graph import Graph
    from xnorflow.hw.types import IntArray


def probe_images(graph: Graph, count: int, seed: int = 0) -> IntArray:
    """Frames for the graph's input: all of the least value, all of the greatest, then random ones; int64 ``(count, *shape)``."""
    (kind,) = graph.inputs.values()
    low, high = kind.dtype.minimum, kind.dtype.maximum
    images = np.random.default_rng(seed).integers(low, high + 1, (count, *kind.shape))
    images[0], images[1] = low, high
    return images if not kind.dtype.bipolar else np.where(images >= 0, 1, -1)


class Equality:
    """Compares a FINN model with the interpreter on probe images.

    Attributes:
        images: int64 ``(N, *shape)``.
        expected: what the interpreter makes of them.
    """

    def __init__(self, graph: Graph, probes: int) -> None:
        (name,), (out,) = graph.inputs, graph.outputs
        self.images = probe_images(graph, probes)
        self.expected = execute(graph, {name: self.images})[out]

    def check(self, model: Any, step: str) -> None:
        """Execute the model on every image.

        Raises:
            CheckFailedError: it differs from the interpreter; names the step, and the first image and element.
        """
        (inp,), (out,) = model.graph.input, model.graph.output
        for index, image in enumerate(self.images):
            made = execute_onnx(model, {inp.name: image[None].astype(np.float32)})[out.name].reshape(-1)
            wanted = self.expected[index].reshape(-1)
            if made.shape != wanted.shape or not np.array_equal(made, wanted):
                raise CheckFailedError(f"FINN step {step} changed the network: {_difference(made, wanted, index)}")


def _difference(made: Any, wanted: IntArray, image: int) -> str:
    if made.shape != wanted.shape:
        return f"{made.size} values come out instead of {wanted.size}"
    first = int(np.flatnonzero(made != wanted)[0])
    return f"probe image {image}, output element {first} is {made[first]:g}, and the interpreter makes {wanted[first]}"
