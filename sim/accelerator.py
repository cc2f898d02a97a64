"""One programming interface over every executor of a build: images in, float32 logits (or labels) out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from xnorflow.errors import BadInputError, CheckFailedError
from xnorflow.hw.build import Build
from xnorflow.hw.interpreter import execute
from xnorflow.sim.rtl import RtlRequest, simulate_once

if TYPE_CHECKING:
    from collections.abc import Callable

    from xnorflow.hw.types import IntArray

_BATCH = 64


@dataclass(frozen=True)
class Accelerator:
    """A build, ready to run.

    Attributes:
        build: the opened build folder.
        backend: ``reference`` (NumPy interpreter), ``cpu`` (packed bits, native kernels) or ``verilator`` (the RTL).
    """

    build: Build
    backend: str

    @classmethod
    def open(cls, build: Build | Path, backend: str = "cpu") -> Accelerator:
        """Open a build folder on a backend.

        Raises:
            BadInputError: no usable build folder, or an unknown backend.
        """
        if backend not in _BACKENDS:
            raise BadInputError(f"backend {backend!r} is unknown; accepted are {', '.join(_BACKENDS)}")
        return cls(build if isinstance(build, Build) else Build.open(build), backend)

    @property
    def labels(self) -> bool:
        """Whether the hardware's output is a label (ArgMax) rather than logits."""
        return str(self.build.manifest["head"]) == "argmax"

    def infer(self, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32] | IntArray:
        """Run images.

        Args:
            images: uint8 ``(N, H, W, C)``, raw pixels.

        Returns:
            float32 logits ``(N, classes)``, or int64 labels ``(N,)`` of a build whose hardware ends in ArgMax.

        Raises:
            BadInputError: images of another dtype or shape.
            CheckFailedError: the simulated RTL is stuck or breaks its handshake.
        """
        (kind,) = self.build.graph.inputs.values()
        if images.dtype != np.uint8 or images.shape[1:] != kind.shape or not len(images):
            raise BadInputError(f"images are {images.dtype} {images.shape}; uint8 (N, {', '.join(map(str, kind.shape))}) is accepted")
        outputs = _BACKENDS[self.backend](self.build, images)
        return outputs[:, 0] if self.labels else self.build.tail.apply(outputs)


def _reference(build: Build, images: npt.NDArray[np.uint8]) -> IntArray:
    (name,) = build.graph.inputs
    parts = [images[i : i + _BATCH].astype(np.int64) for i in range(0, len(images), _BATCH)]
    return np.concatenate([execute(build.graph, {name: part})[build.graph.outputs[0]] for part in parts])


def _cpu(build: Build, images: npt.NDArray[np.uint8]) -> IntArray:
    from xnorflow.sim.cpu import CpuRuntime

    return CpuRuntime(build.graph).run(images)


def _verilator(build: Build, images: npt.NDArray[np.uint8]) -> IntArray:
    result = simulate_once(RtlRequest.of(build), images.astype(np.int64))
    for _, part in result.parts:
        if part.fault is not None:
            raise CheckFailedError(f"the RTL {part.fault}")
    return np.concatenate([result.sink.unpack(part.outputs[0]) for _, part in result.parts])


_BACKENDS: dict[str, Callable[[Build, npt.NDArray[np.uint8]], IntArray]] = {"reference": _reference, "cpu": _cpu, "verilator": _verilator}
