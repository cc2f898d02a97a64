"""The shell's hardware in Verilator, fed with the very bytes that the board backend puts into DMA buffers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from xnorflow.errors import CheckFailedError
from xnorflow.flows.board.wrapper import SHELL_MODULE
from xnorflow.hw.build import TOP
from xnorflow.hw.emit.folder import LIBRARY
from xnorflow.hw.graph import StreamType
from xnorflow.hw.types import IntType
from xnorflow.sim.accelerator import Accelerator
from xnorflow.sim.engine.model import compile_model
from xnorflow.sim.engine.session import SessionRequest, SessionResult, Step, run_session
from xnorflow.sim.engine.wrapper import Top
from xnorflow.sim.mismatch import first_difference
from xnorflow.sim.packing import BeatFormat
from xnorflow.sim.rtl import RtlRequest, sink_format, source_format

if TYPE_CHECKING:
    from collections.abc import Callable

    from xnorflow.hw.build import Build
    from xnorflow.hw.types import IntArray
    from xnorflow.sim.engine.model import CompiledModel
    from xnorflow.sim.packing import ByteArray

_SEED = 0  # of the random images


@dataclass(frozen=True)
class SimulatedShell:
    """A build behind the batch marker, compiled.

    Attributes:
        build: the build.
        model: the executable.
        source, sink: the beats on both sides.
        patience: cycles without a beat after which it counts as stuck.
    """

    build: Build
    model: CompiledModel
    source: BeatFormat
    sink: BeatFormat
    patience: int

    @classmethod
    def of(cls, build: Build, wrapper: Path, *, optimise: bool = True, progress: Callable[[str], None] | None = None) -> SimulatedShell:
        """Compile a build and the wrapper that the shell put around it; the model is kept in ``BUILD/sim``."""
        source, sink = source_format(build.graph), sink_format(build.graph)
        verilog = [*sorted((build.folder / "rtl").glob("*.sv")), LIBRARY / "xf_axis_batch.sv", build.folder / f"{TOP}.v", wrapper]
        top = Top(SHELL_MODULE, source.bytes, sink.bytes)
        model = compile_model(verilog, (top,), build.folder / "sim", optimise=optimise, progress=progress)
        return cls(build, model, source, sink, RtlRequest.of(build, stalls=True).patience)

    def stream(self, sent: ByteArray, wanted: int, *, batches: int = 1, broken_off: int = 0, stalls: bool = False, seed: int = 0) -> SessionResult:
        """Stream the bytes of one or more DMA transfers of equal size, back to back after a reset.

        With ``broken_off``, so many beats of the first transfer come before them, and another reset.

        TLAST stands on the last beat of each transfer alone; at the output, anywhere but on the last beat of its share of the
        ``wanted`` bytes it is a fault.
        """
        source, sink = _transfer(sent.size // batches, self.source.bytes), _transfer(wanted // batches, self.sink.bytes)
        before = (Step("reset"), Step("interrupt", 0, broken_off)) if broken_off else ()
        steps = (*before, Step("reset"), Step("stream", 0, batches))
        request = SessionRequest(self.model, SHELL_MODULE, self.build.folder, source, sink, steps, stalls, seed, self.patience)
        return run_session(request, sent.reshape(batches, source.beats, source.bytes))

    def run(self, images: IntArray, *, stalls: bool = False, seed: int = 0) -> tuple[IntArray, int]:
        """One batch of images ``(N, H, W, C)``: int64 output ``(N, *shape)``, and the cycles it took.

        With ``stalls`` there are random gaps and stalls, and before the batch the same one up to the middle of its last frame.

        Raises:
            CheckFailedError: the hardware is stuck, breaks its handshake, or ends the batch in the wrong place.
        """
        wanted = len(images) * self.sink.beats * self.sink.bytes
        broken_off = self.source.beats * (len(images) - 1) + (self.source.beats + 1) // 2 if stalls else 0
        result = self.stream(self.source.pack(images).reshape(-1), wanted, broken_off=broken_off, stalls=stalls, seed=seed)
        if result.fault is not None:
            raise CheckFailedError(f"the shell's hardware {result.fault}")
        made = result.outputs[0].reshape(len(images), self.sink.beats, self.sink.bytes)
        return self.sink.unpack(made), result.cycles


def check_shell(build: Build, wrapper: Path, count: int, *, progress: Callable[[str], None] | None = None) -> int:
    """Compare the shell's hardware with the interpreter on random images, as one batch, without and with random stalls.

    Returns:
        Cycles that the batch took without stalls, reset and idling at the end included.

    Raises:
        CheckFailedError: they differ; the message names the first image and channel.
    """
    shell = SimulatedShell.of(build, wrapper, progress=progress)
    (kind,) = build.graph.inputs.values()
    images = np.random.default_rng(_SEED).integers(0, 256, (count, *kind.shape), dtype=np.uint8)
    expected = Accelerator.open(build, "reference").execute(images)
    cycles = []
    for stalls in (False, True):
        made, took = shell.run(images.astype(np.int64), stalls=stalls, seed=_SEED)
        cycles.append(took)
        difference = first_difference(made, expected)
        if difference is not None:
            raise CheckFailedError(difference.text("the output", "shell", "interpreter"))
    if progress is not None:
        progress(f"the shell's hardware gives the interpreter's values for {count} images in one batch, {cycles[0]} cycles, and again with stalls")
    return cycles[0]


def _transfer(size: int, beat: int) -> BeatFormat:
    """A transfer as one frame of bytes."""
    return BeatFormat(StreamType((size,), IntType(8, signed=False)), beat)
