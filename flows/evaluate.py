"""Evaluate a checkpoint."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class EvaluateResult:
    """Accuracy of one checkpoint.

    Attributes:
        checkpoint: the file.
        data: spec of the data set.
        images: test images looked at.
        accuracy: share the frozen network gets right.
    """

    checkpoint: Path
    data: str
    images: int
    accuracy: float

    def to_json(self) -> dict[str, Any]:
        """The figures as plain types."""
        return dataclasses.asdict(self) | {"checkpoint": str(self.checkpoint)}


def evaluate(checkpoint: Path, data: str | None = None, *, progress: Callable[[str], None] | None = None) -> EvaluateResult:
    """Run the frozen form of a checkpoint's network over all test images.

    Args:
        checkpoint: file that ``train`` wrote.
        data: data set; None for the one it was trained on.
        progress: told about slow work in words.

    Raises:
        BadInputError: the checkpoint or the data cannot be used, or the images do not fit the network.
    """
    from xnorflow.qat.checkpoint import check_images, load_checkpoint
    from xnorflow.qat.data.sources import open_split
    from xnorflow.qat.training import accuracy

    info, network = load_checkpoint(checkpoint)
    spec = info.data if data is None else data
    split = open_split(spec, "test", info.view, progress)
    check_images(checkpoint, info, spec, split.input_shape, split.classes)
    return EvaluateResult(checkpoint, spec, len(split), accuracy(network, info.pixel_norm, split))
