"""One programming interface over every executor of a build: images in, float32 logits (or labels) out."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from xnorflow.errors import BadInputError, CheckFailedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from xnorflow.hw.build import Build
    from xnorflow.hw.chain import FloatChain
    from xnorflow.hw.graph import StreamType
    from xnorflow.hw.types import IntArray

    Run = Callable[[npt.NDArray[np.uint8]], IntArray]

_BATCH = 64


@dataclass(frozen=True)
class Accelerator:
    """A network, ready to run.

    Attributes:
        backend: ``reference`` (NumPy interpreter), ``cpu`` (packed bits, native kernels), ``verilator`` (the RTL) or ``pynq``
            (a board).
        kind: shape and type of an input frame.
        labels: whether the hardware's output is a label (ArgMax) rather than logits.
        tail: what the host computes from the hardware's integers.
        execute: images uint8 ``(N, H, W, C)`` to the hardware's int64 output ``(N, values)``.
    """

    backend: str
    kind: StreamType
    labels: bool
    tail: FloatChain
    execute: Run

    @classmethod
    def open(cls, build: Build | Path, backend: str = "cpu") -> Accelerator:
        """Open a build folder, or with ``pynq`` a deployment folder, on a backend.

        Raises:
            BadInputError: no usable folder, or an unknown backend.
            MissingToolError: ``pynq`` without the packages of a board.
        """
        if backend not in BACKENDS:
            raise BadInputError(f"backend {backend!r} is unknown; accepted are {', '.join(BACKENDS)}")
        if backend == "pynq":
            if not isinstance(build, str | Path):
                raise BadInputError("backend pynq opens a deployment folder, not a build; `xnorflow shell` makes one")
            return _open_board(Path(build))
        from xnorflow.hw.build import Build

        opened = build if isinstance(build, Build) else Build.open(build)
        (kind,) = opened.graph.inputs.values()
        return cls(backend, kind, str(opened.manifest["head"]) == "argmax", opened.tail, _BACKENDS[backend](opened))

    def infer(self, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32] | IntArray:
        """Run images.

        Args:
            images: uint8 ``(N, H, W, C)``, raw pixels.

        Returns:
            float32 logits ``(N, classes)``, or int64 labels ``(N,)`` of a network whose hardware ends in ArgMax.

        Raises:
            BadInputError: images of another dtype or shape.
            CheckFailedError: the simulated RTL is stuck or breaks its handshake, or the board does not answer.
        """
        if images.dtype != np.uint8 or images.shape[1:] != self.kind.shape or not len(images):
            raise BadInputError(f"images are {images.dtype} {images.shape}; uint8 (N, {', '.join(map(str, self.kind.shape))}) is accepted")
        outputs = self.execute(images)
        return outputs[:, 0] if self.labels else self.tail.apply(outputs)


def _reference(build: Build, images: npt.NDArray[np.uint8]) -> IntArray:
    from xnorflow.hw.interpreter import execute

    (name,) = build.graph.inputs
    parts = [images[i : i + _BATCH].astype(np.int64) for i in range(0, len(images), _BATCH)]
    return np.concatenate([execute(build.graph, {name: part})[build.graph.outputs[0]] for part in parts])


def _cpu(build: Build) -> Run:
    from xnorflow.sim.cpu import CpuRuntime

    return CpuRuntime(build.graph).run


def _verilator(build: Build, images: npt.NDArray[np.uint8]) -> IntArray:
    from xnorflow.sim.rtl import RtlRequest, simulate_once

    result = simulate_once(RtlRequest.of(build), images.astype(np.int64))
    for _, part in result.parts:
        if part.fault is not None:
            raise CheckFailedError(f"the RTL {part.fault}")
    return np.concatenate([result.sink.unpack(part.outputs[0]) for _, part in result.parts])


def _open_board(folder: Path) -> Accelerator:
    from xnorflow.sim.pynq.axi_dma import AxiDmaBoard
    from xnorflow.sim.pynq.deployment import Deployment, read_settings
    from xnorflow.sim.pynq.finn import FinnBoard

    record, settings = read_settings(folder)
    if "driver_information" in record:
        finn = FinnBoard(folder, record, settings)
        return Accelerator("pynq", finn.kind, finn.labels, finn.tail, finn.run)
    deployment = Deployment.of(record, str(settings))
    board = AxiDmaBoard(settings.parent, deployment)
    return Accelerator("pynq", deployment.source.kind, deployment.labels, deployment.tail, board.run)


# Each opens a build; what it returns keeps what is worth keeping between calls.
_BACKENDS: dict[str, Callable[[Build], Run]] = {
    "reference": lambda build: partial(_reference, build),
    "cpu": _cpu,
    "verilator": lambda build: partial(_verilator, build),
}
BACKENDS = (*_BACKENDS, "pynq")
