"""Comparison of executors in floating point (QONNX, PyTorch) with the interpreter's integers behind the host tail.

Where every sum of the model file is exact in float32, logits are compared by ``==``. A file with arbitrary scales rounds
its sums, in an order of the executor's own; then its logits are not the exact ones and near ties may be decided
otherwise. For such a file every stream of the QONNX execution is checked within the proven bound of its rounding, and
PyTorch's decisions are counted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from xnorflow.errors import CheckFailedError
from xnorflow.hw.folding import FoldingRequest
from xnorflow.hw.lowering import QonnxLink, lower, qonnx_execute
from xnorflow.hw.plan import plan
from xnorflow.sim.diagnose import first_graph_difference
from xnorflow.sim.mismatch import first_difference

if TYPE_CHECKING:
    import numpy.typing as npt

    from xnorflow.hw.build import Build
    from xnorflow.hw.graph import Graph
    from xnorflow.hw.types import IntArray

    Logits = npt.NDArray[np.float32]
    Pixels = npt.NDArray[np.uint8]


def float_exact(build: Build) -> bool:
    """Whether the model file's float sums are exact."""
    return bool(build.manifest["notes"].get("float_exact", True))


def what_is_compared(build: Build) -> str:
    """In words, for the report."""
    if not float_exact(build):
        return "every stream, within the proven bound of the file's rounded float32 sums"
    return "labels" if _labels(build) else "float32 logits"


def compare_floats(build: Build, images: Pixels, logits: Logits, outputs: IntArray, first: int, name: str) -> int:
    """Compare a batch.

    Args:
        build: the build.
        images: uint8 ``(N, H, W, C)``.
        logits: of the float executor, float32 ``(N, classes)``, or ``(N, 1)`` labels of a file that ends in ArgMax.
        outputs: of the interpreter, int64.
        first: number of the first image.
        name: of the float executor.

    Returns:
        Decisions that differ, of a file whose sums are rounded; 0 otherwise.

    Raises:
        CheckFailedError: the file's sums are exact and a logit or label differs.
    """
    exact = outputs if _labels(build) else build.tail.apply(outputs)
    if not float_exact(build):
        labels = outputs if _labels(build) else _decisions(exact.astype(np.float32))
        return int((_decisions(logits) != labels).sum())
    got = _decisions(logits) if _labels(build) else logits
    if got.shape != exact.shape:
        raise CheckFailedError(f"{name} makes outputs of shape {got.shape[1:]}, the interpreter of shape {exact.shape[1:]}")
    found = first_difference(got, exact, first)
    if found is None:
        return 0
    index = found.image - first
    text = found.text(f"the {what_is_compared(build)}", name, "the interpreter")
    anew = _compiled_anew(build)
    one = images[index : index + 1].astype(np.int64)
    node = None if anew is None else first_graph_difference(build.graph, anew, one, found.image)
    raise CheckFailedError(f"{text}; {node}" if node else text)


def compare_qonnx(build: Build, images: Pixels, outputs: IntArray, first: int) -> int:
    """Compare a batch with the execution of the build's QONNX file.

    Args:
        build: the build; it has a model file.
        images: uint8 ``(N, H, W, C)``.
        outputs: of the interpreter, int64.
        first: number of the first image.

    Returns:
        Elements that the file rounds otherwise than exactly, within the proven bound; 0 where its sums are exact.

    Raises:
        CheckFailedError: they differ; the message names the first such node where it can be told.
    """
    model = build.folder / "model.onnx"
    if not float_exact(build):
        try:
            return QonnxLink(model, build.graph, build.tail, build.pixel_norm).check(images)
        except CheckFailedError as error:
            raise CheckFailedError(f"QONNX differs from the interpreter in the batch from image {first} on: {error}") from error
    nchw = build.pixel_norm.apply(images).transpose(0, 3, 1, 2)
    return compare_floats(build, images, qonnx_execute(model, np.ascontiguousarray(nchw)), outputs, first, "QONNX")


def _labels(build: Build) -> bool:
    return str(build.manifest["head"]) == "argmax"


def _decisions(logits: Logits) -> IntArray:
    """Labels ``(N, 1)``; a single column holds labels already."""
    return logits.astype(np.int64) if logits.shape[-1] == 1 else np.argmax(logits, axis=-1)[:, None].astype(np.int64)


def _compiled_anew(build: Build) -> Graph | None:
    """The graph that the build's model file compiles to now, with the build's folding; None without a model file."""
    model = build.folder / "model.onnx"
    if not model.is_file():
        return None
    fresh = lower(model, pixel_norm=build.pixel_norm, head=build.manifest["head"])
    folding = FoldingRequest(layers=build.manifest["folding"])
    return plan(fresh.graph, tail=fresh.tail, pixel_norm=fresh.pixel_norm, folding=folding).graph
