"""Execute a QONNX file on many images, node by node, with QONNX's and ONNX Runtime's own operators."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from xnorflow.hw.lowering.importer import model_input
from xnorflow.hw.lowering.model_file import read_model
from xnorflow.hw.lowering.network import fold

if TYPE_CHECKING:
    from pathlib import Path

    from xnorflow.hw.chain import FloatArray


def qonnx_execute(model: Path | Any, images_nchw: FloatArray, batch: int = 256) -> FloatArray:
    """Run a QONNX file.

    Constants are folded once, then each operator runs on whole batches: QONNX's by the qonnx package's classes, the others by
    ONNX Runtime, as ``qonnx.core.onnx_exec.execute_onnx`` does for one image.

    Args:
        model: path of the file, or an ``onnx.ModelProto``.
        images_nchw: float32 ``(N, C, H, W)``, normalised as the network was trained.
        batch: images at a time.

    Returns:
        float32 ``(N, classes)``.

    Raises:
        BadInputError: the file cannot be read, or the images do not fit it.
    """
    network = fold(read_model(model))
    inputs = model_input(network, np.asarray(images_nchw, dtype=np.float32))
    name = network.file.output_name
    parts = [network.run(inputs[i : i + batch])[name] for i in range(0, len(inputs), batch)]
    width = int(np.prod(network.shapes[name]))
    return np.concatenate(parts).reshape(len(inputs), width).astype(np.float32) if parts else np.empty((0, width), dtype=np.float32)
