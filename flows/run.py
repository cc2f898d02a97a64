"""Run a build on images: labels, and logits where the hardware gives them."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from xnorflow.errors import BadInputError
from xnorflow.flows.images import FORMS, ImageSet, load_images
from xnorflow.flows.pictures import read_pictures
from xnorflow.flows.results import keep
from xnorflow.hw.build import Build
from xnorflow.sim.accelerator import Accelerator

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


@dataclass(frozen=True, eq=False)
class RunResult:
    """What a build said about some images.

    Attributes:
        build: its folder.
        backend: what computed it.
        source: where the images come from, in words.
        labels: int64 ``(N,)``, the class of each image.
        logits: float32 ``(N, classes)``, or None where the hardware gives labels only.
        accuracy: share of labels that are right, or None where the true ones are not known.
        seconds: wall time of the inference, set-up of the backend included.
    """

    build: Path
    backend: str
    source: str
    labels: npt.NDArray[np.int64]
    logits: npt.NDArray[np.float32] | None
    accuracy: float | None
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """The figures as plain types; logits are float32 values, written out exactly."""
        return {
            "build": str(self.build),
            "backend": self.backend,
            "source": self.source,
            "images": len(self.labels),
            "labels": self.labels.tolist(),
            "logits": None if self.logits is None else self.logits.tolist(),
            "accuracy": self.accuracy,
            "seconds": self.seconds,
        }


def run(
    build: Path,
    images: Sequence[str],
    *,
    backend: str = "cpu",
    limit: int | None = None,
    progress: Callable[[str], None] | None = None,
) -> RunResult:
    """Run images through a build.

    Args:
        build: folder that ``compile`` wrote; with backend ``pynq``, a deployment folder.
        images: PNG or JPEG files of the build's image size, or one of :data:`xnorflow.flows.images.FORMS`.
        backend: ``cpu``, ``reference``, ``verilator`` or ``pynq``.
        limit: most images, from the first on; None for all.
        progress: called with a line of text.

    Raises:
        BadInputError: the build, the backend or the images cannot be used.
        MissingToolError: ``pynq`` without the packages of a board.
        CheckFailedError: the simulated RTL is stuck or breaks its handshake, or the board does not answer.
    """
    accelerator = Accelerator.open(build, backend)
    shape = accelerator.kind.shape
    if len(shape) != 3:
        raise BadInputError(f"{build} takes vectors of {shape[0]} values, not images; Accelerator.open(...).infer runs them")
    chosen = _images(images, (shape[0], shape[1], shape[2]), limit, progress)
    if progress is not None:
        progress(f"running {len(chosen.images)} images on backend {backend}")
    begin = time.perf_counter()
    output = accelerator.infer(chosen.images)
    seconds = time.perf_counter() - begin
    logits = None if accelerator.labels else output.astype(np.float32, copy=False)
    labels = (output if logits is None else np.argmax(logits, axis=1)).astype(np.int64, copy=False)
    accuracy = None if chosen.labels is None else float(np.mean(labels == chosen.labels))
    if accuracy is not None and backend != "pynq":
        keep(Build.open(build), "run", {"backend": backend, "source": chosen.source, "images": len(labels), "accuracy": accuracy})
    return RunResult(build, backend, chosen.source, labels, logits, accuracy, seconds)


def _images(given: Sequence[str], shape: tuple[int, int, int], limit: int | None, progress: Callable[[str], None] | None) -> ImageSet:
    if not given:
        raise BadInputError(f"no images were given; PNG or JPEG files, {FORMS} are accepted")
    specs = [text for text in given if text == "digits" or "=" in text or text.endswith(".npy")]
    if not specs:
        if limit is not None and not 1 <= limit <= len(given):
            raise BadInputError(f"{limit} images were asked for; {len(given)} files were given")
        return read_pictures([Path(text) for text in given][:limit], shape)
    if len(given) > 1:
        raise BadInputError(f"images {specs[0]} cannot be mixed with others; give it alone")
    return load_images(specs[0], limit, progress=progress)
