"""Write a frozen network as a QONNX file."""

from __future__ import annotations

import os
import tempfile
import warnings
from pathlib import Path

import onnx
import torch
from torch import nn

import xnorflow
from xnorflow.errors import BadInputError
from xnorflow.pixels import PixelNorm
from xnorflow.qat.brevitas import export_qonnx as brevitas_export
from xnorflow.qat.fold_shapes import fold_shapes
from xnorflow.qat.integerise.network import IntegerNetwork
from xnorflow.qat.integerise.tidy import tidy

PIXEL_NORM_KEY = "xnorflow.pixel_norm"
PRODUCER_KEY = "xnorflow.version"


def export_qonnx(frozen: nn.Module, path: Path, pixel_norm: PixelNorm, input_shape: tuple[int, int, int]) -> None:
    """Write ``frozen`` as QONNX: batch 1, float32 NCHW input ``global_in`` (the normalised pixels), output ``global_out`` (the logits).

    The file holds ``BipolarQuant`` and ``Quant`` nodes (QONNX domain), keeps its weights inside, and carries the
    normalisation as metadata ``xnorflow.pixel_norm``. It is written beside ``path`` and renamed, so that a failure
    leaves nothing half written.

    Args:
        frozen: what :func:`xnorflow.qat.freeze.freeze` returns.
        path: file to write.
        pixel_norm: how integer pixels become the network's input.
        input_shape: ``(C, H, W)`` of the input.

    Raises:
        BadInputError: the file cannot be written.
    """
    write_atomically(path, qonnx_bytes(frozen, pixel_norm, input_shape))


def qonnx_bytes(frozen: nn.Module, pixel_norm: PixelNorm, input_shape: tuple[int, int, int]) -> bytes:
    """The content of the file that :func:`export_qonnx` writes."""
    model = to_qonnx(frozen, input_shape)
    for key, value in ((PIXEL_NORM_KEY, pixel_norm.to_json()), (PRODUCER_KEY, xnorflow.__version__)):
        entry = model.metadata_props.add()
        entry.key, entry.value = key, value
    content: bytes = model.SerializeToString()
    return content


def to_qonnx(frozen: nn.Module, input_shape: tuple[int, int, int]) -> onnx.ModelProto:
    """The QONNX model of a frozen network, constants folded and shapes inferred, without metadata."""
    from qonnx.core.modelwrapper import ModelWrapper
    from qonnx.util.cleanup import cleanup_model

    with warnings.catch_warnings(), torch.no_grad():
        # TorchScript-based export is deprecated but writes one file, without external data, 20 times as fast as dynamo's.
        warnings.simplefilter("ignore")
        exported = brevitas_export(frozen, args=torch.zeros(1, *input_shape), dynamo=False)
        fold_shapes(exported)
        if isinstance(frozen, IntegerNetwork):
            return tidy(exported)
        cleaned = cleanup_model(ModelWrapper(exported))
    model: onnx.ModelProto = cleaned.model
    return model


def write_atomically(path: Path, data: bytes) -> None:
    """Write ``data`` to a temporary sibling of ``path`` and rename it.

    Raises:
        BadInputError: the folder does not exist or cannot be written, or ``path`` is a device, a pipe or a folder.
    """
    if path.exists() and not path.is_file():
        raise BadInputError(f"{path} cannot be written: it is no regular file")
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            Path(name).chmod(0o644)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise BadInputError(f"{path} cannot be written: {error.strerror or error}") from error
