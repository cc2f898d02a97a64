"""Export a checkpoint as QONNX, and prove that the file computes the same bits."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from xnorflow.errors import BadInputError, CheckFailedError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import nn

    from xnorflow.qat.checkpoint import CheckpointInfo

PROBE_SEED = 0


@dataclass(frozen=True)
class ExportResult:
    """An exported and checked network.

    Attributes:
        model: the QONNX file.
        checkpoint: where it came from.
        images: images on which QONNX execution equals the frozen PyTorch network, logits bit for bit.
        data_images: how many of them are test images; the others are random pixels.
    """

    model: Path
    checkpoint: Path
    images: int
    data_images: int

    def to_json(self) -> dict[str, Any]:
        """The figures as plain types."""
        return dataclasses.asdict(self) | {"model": str(self.model), "checkpoint": str(self.checkpoint)}


def export(checkpoint: Path, out: Path, *, images: int = 64, data: str | None = None, progress: Callable[[str], None] | None = None) -> ExportResult:
    """Freeze a checkpoint's network, write it as QONNX, and compare the file with PyTorch.

    Half of the probes are test images, if the data set can still be read, the rest random pixels. The file appears
    under its name only after the comparison.

    Args:
        checkpoint: file that ``train`` wrote.
        out: QONNX file to write.
        images: number of probe images.
        data: data set of the probes; None for the one it was trained on where that can be read.
        progress: told what is being done.

    Raises:
        BadInputError: the checkpoint, the data or the folder cannot be used.
        CheckFailedError: QONNX execution differs from PyTorch; names the first image and logit with both values.
    """
    from xnorflow.qat.checkpoint import load_checkpoint
    from xnorflow.qat.export import qonnx_bytes, write_atomically
    from xnorflow.qat.freeze import freeze

    if images < 2:
        raise BadInputError(f"export: {images} probe images; at least 2 are needed")
    info, network = load_checkpoint(checkpoint)
    frozen = freeze(network)
    pixels, from_data = _probes(info, images, data, progress)
    content = qonnx_bytes(frozen, info.pixel_norm, info.config.input_shape)
    if progress:
        progress(f"comparing QONNX with PyTorch on {len(pixels)} images")
    check_equal(frozen, content, info.pixel_norm.apply(pixels).transpose(0, 3, 1, 2))
    write_atomically(out, content)
    return ExportResult(out, checkpoint, len(pixels), from_data)


def check_equal(frozen: nn.Module, content: bytes, images: NDArray[np.float32]) -> None:
    """Run a frozen network and its QONNX file on normalised float32 NCHW images and compare every logit with ``==``.

    Raises:
        CheckFailedError: names the first image and logit that differ, with both values.
    """
    import onnx
    import torch

    from xnorflow.hw.lowering.reference import qonnx_execute

    images = np.ascontiguousarray(images)
    with torch.no_grad():
        expected = frozen(torch.from_numpy(images)).numpy()
    actual = qonnx_execute(onnx.load_model_from_string(content), images)
    if expected.shape != actual.shape:
        raise CheckFailedError(f"QONNX gives logits {actual.shape}, PyTorch {expected.shape}")
    different = np.argwhere(expected != actual)
    if len(different):
        image, logit = (int(i) for i in different[0])
        raise CheckFailedError(
            f"QONNX differs from PyTorch at image {image}, logit {logit}: {actual[image, logit]!r} instead of {expected[image, logit]!r}"
        )


def _probes(info: CheckpointInfo, images: int, data: str | None, progress: Callable[[str], None] | None) -> tuple[NDArray[np.uint8], int]:
    from xnorflow.qat.data.sources import load_split

    channels, height, width = info.config.input_shape
    real: NDArray[np.uint8] = np.empty((0, height, width, channels), np.uint8)
    try:
        real = load_split(info.data if data is None else data, "test", progress, info.view, images // 2).images
    except BadInputError as error:
        if data is not None:
            raise
        if progress:
            progress(f"probing with random pixels only: {error}")
    if real.shape[1:] != (height, width, channels):
        raise BadInputError(f"data {data or info.data} has images {real.shape[1:]}; the network takes {(height, width, channels)}")
    random = np.random.default_rng(PROBE_SEED).integers(0, 256, (images - len(real), height, width, channels), np.uint8)
    return np.concatenate([real, random]), len(real)
