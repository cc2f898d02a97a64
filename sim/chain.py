"""The equivalence chain: PyTorch = QONNX = interpreter = CPU = RTL, each link compared with the interpreter by ``==``."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from xnorflow.errors import BadInputError, CheckFailedError
from xnorflow.hw.interpreter import execute
from xnorflow.sim.diagnose import first_rtl_difference, first_stream_difference
from xnorflow.sim.float_links import compare_floats, compare_qonnx, float_exact, what_is_compared
from xnorflow.sim.gates import gates_folder
from xnorflow.sim.mismatch import first_difference
from xnorflow.sim.report import LinkReport, RtlFigures, VerifyReport
from xnorflow.sim.rtl import RtlRequest, rtl_model, simulate

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy.typing as npt

    from xnorflow.hw.build import Build
    from xnorflow.hw.graph import Graph
    from xnorflow.hw.types import IntArray
    from xnorflow.sim.engine.session import SessionResult
    from xnorflow.sim.packing import BeatFormat
    from xnorflow.sim.rtl import RtlResult

    Logits = npt.NDArray[np.float32]
    Progress = Callable[[str], None] | None

LINKS = ("pytorch", "qonnx", "cpu", "rtl")
ENGINES = ("verilator", "cocotb", "gates")
_BATCH_BYTES = 1 << 26
_ALL_RIGHT = "simulated again in Verilator with every stream recorded, all nodes of the RTL are right"


@dataclass(frozen=True, kw_only=True)
class VerifyRequest:
    """What to verify.

    Attributes:
        build: the opened build folder.
        images: uint8 ``(N, H, W, C)``, at least 2.
        source: where the images come from, for the report.
        engine: ``verilator`` (every image), ``cocotb`` (protocol bench) or ``gates`` (every image, through the netlist that Yosys
            makes for xc7, or of a library's cells).
        stalls: random input gaps and output stalls.
        seed: of the stalls and of the state that no reset touches.
        links: which links to compare with the interpreter.
        qonnx_images: most images that the (slow) QONNX execution runs; None for all.
        liberty: for ``gates``, the library whose cells the netlist is mapped to; None for xc7.
        pytorch: the frozen PyTorch model, uint8 images in, float32 logits ``(N, classes)`` out; None if there is none.
    """

    build: Build
    images: npt.NDArray[np.uint8]
    source: str
    engine: str = "verilator"
    stalls: bool = False
    seed: int = 0
    links: tuple[str, ...] = LINKS
    qonnx_images: int | None = None
    liberty: Path | None = None
    pytorch: Callable[[npt.NDArray[np.uint8]], Logits] | None = None


def verify(request: VerifyRequest, *, progress: Progress = None) -> VerifyReport:
    """Put images through every link and compare.

    Raises:
        BadInputError: images that do not fit the build, or an unknown engine or link.
        CheckFailedError: a link differs; the message names node, image, pixel, channel and both values.
    """
    _check(request)
    outputs = _interpret(request, progress)
    links = {name: link for name, run in _SOFTWARE.items() if name in request.links for link in [run(request, outputs, progress)]}
    figures = None
    if "rtl" in request.links:
        links["rtl"], figures = _RTL[request.engine](request, outputs, progress)
    return VerifyReport(
        build=str(request.build.folder),
        images=len(request.images),
        source=request.source,
        engine=request.engine,
        stalls=request.stalls,
        seed=request.seed,
        links=links,
        rtl=figures,
    )


def _check(request: VerifyRequest) -> None:
    (kind,) = request.build.graph.inputs.values()
    if request.engine not in ENGINES:
        raise BadInputError(f"engine {request.engine!r} is unknown; accepted are {', '.join(ENGINES)}")
    if request.liberty is not None and request.engine != "gates":
        raise BadInputError(f"library {request.liberty} is for engine gates, not for {request.engine}")
    unknown = [link for link in request.links if link not in LINKS]
    if unknown:
        raise BadInputError(f"link {unknown[0]!r} is unknown; accepted are {', '.join(LINKS)}")
    if request.images.dtype != np.uint8 or request.images.shape[1:] != kind.shape:
        raise BadInputError(
            f"images of {request.images.dtype} {request.images.shape[1:]} from {request.source} do not fit the build; uint8 {kind.shape} is accepted"
        )
    if len(request.images) < 2:
        raise BadInputError(f"{len(request.images)} images from {request.source}; verification streams several back to back, give at least 2")


def _batch(graph: Graph) -> int:
    """Images a batch, so that the largest stream of a batch takes a bounded amount of memory."""
    return max(1, _BATCH_BYTES // (8 * max(kind.size for kind in graph.streams.values())))


def _interpret(request: VerifyRequest, progress: Progress) -> IntArray:
    graph, images = request.build.graph, request.images
    (name,) = graph.inputs
    size, parts = _batch(graph), []
    for start in range(0, len(images), size):
        batch = images[start : start + size].astype(np.int64)
        parts.append(execute(graph, {name: batch})[graph.outputs[0]])
        _tell(progress, f"interpreter: {min(start + size, len(images))} of {len(images)} images")
    return np.concatenate(parts)


def _cpu(request: VerifyRequest, outputs: IntArray, progress: Progress) -> LinkReport:
    from xnorflow.sim.cpu import CpuRuntime

    graph, images = request.build.graph, request.images
    runtime, size = CpuRuntime(graph), _batch(graph)
    for start in range(0, len(images), size):
        batch = images[start : start + size]
        found = first_difference(runtime.run(batch), outputs[start : start + size], start)
        if found is not None:
            one = images[found.image : found.image + 1].astype(np.int64)
            node = first_stream_difference(graph, runtime.run_all(one), "the CPU runtime", one, found.image)
            raise CheckFailedError(node or found.text("the output, and only in a batch", "the CPU runtime", "the interpreter"))
        _tell(progress, f"CPU: {min(start + size, len(images))} of {len(images)} images")
    return LinkReport(len(images), "integers")


def _qonnx(request: VerifyRequest, outputs: IntArray, progress: Progress) -> LinkReport:
    model = request.build.folder / "model.onnx"
    if not model.is_file():
        return LinkReport(0, "", "the build folder holds no model.onnx")
    count = min(len(request.images), request.qonnx_images or len(request.images))
    reason = "" if count == len(request.images) else f"QONNX execution was limited to {count} images"
    size, rounded = 512, 0
    for start in range(0, count, size):
        batch = request.images[start : min(start + size, count)]
        rounded += compare_qonnx(request.build, batch, outputs[start : start + len(batch)], start)
        _tell(progress, f"QONNX: {start + len(batch)} of {count} images")
    return LinkReport(count, what_is_compared(request.build), reason, rounded)


def _pytorch(request: VerifyRequest, outputs: IntArray, progress: Progress) -> LinkReport:
    if request.pytorch is None:
        return LinkReport(0, "", "no checkpoint was given")
    size, rounded = 256, 0
    for start in range(0, len(request.images), size):
        batch = request.images[start : start + size]
        rounded += compare_floats(request.build, batch, request.pytorch(batch), outputs[start : start + len(batch)], start, "PyTorch")
        _tell(progress, f"PyTorch: {start + len(batch)} of {len(request.images)} images")
    compared = what_is_compared(request.build) if float_exact(request.build) else "decisions, which the file's rounded sums may turn near ties"
    return LinkReport(len(request.images), compared, rounded=rounded)


_SOFTWARE: dict[str, Callable[[VerifyRequest, IntArray, Progress], LinkReport]] = {"cpu": _cpu, "qonnx": _qonnx, "pytorch": _pytorch}


def _verilator(request: VerifyRequest, outputs: IntArray, progress: Progress) -> tuple[LinkReport, RtlFigures]:
    estimate, begun = request.build.estimate, time.perf_counter()
    rtl = RtlRequest.of(request.build, stalls=request.stalls, seed=request.seed)
    simulated = replace(rtl, folder=gates_folder(rtl.folder, liberty=request.liberty, progress=progress)) if request.engine == "gates" else rtl
    images = request.images.astype(np.int64)
    rtl_model(simulated, progress=progress)
    compiled = time.perf_counter()
    result = simulate(simulated, images, progress=progress)
    seconds = time.perf_counter() - compiled
    check_rtl(rtl, images, outputs, result, progress, name="the netlist" if request.engine == "gates" else "the RTL")
    frames = sum(len(out) for _, part in result.parts for out in part.outputs)
    figures = RtlFigures(
        frames=frames,
        resets=len(result.parts),
        cycles=result.cycles,
        cycles_per_image=result.cycles_per_image,
        latency=result.latency,
        estimate_cycles=estimate.interval,
        estimate_latency=estimate.latency,
        compile_seconds=compiled - begun,
        seconds=seconds,
        images_per_second=frames / seconds,
    )
    return LinkReport(len(images), "integers", "" if request.liberty is None else f"cells of {request.liberty.name}"), figures


def _cocotb(request: VerifyRequest, outputs: IntArray, progress: Progress) -> tuple[LinkReport, None]:
    from xnorflow.sim.cocotb_net import run_benches

    try:
        ran = run_benches(request.build, request.images, outputs, stalls=request.stalls, seed=request.seed, progress=progress)
    except CheckFailedError as error:
        rtl = RtlRequest.of(request.build, stalls=request.stalls, seed=request.seed)
        node = first_rtl_difference(rtl, request.images.astype(np.int64), len(request.images) - 1, progress=progress)
        raise CheckFailedError(f"{error}; {node or _ALL_RIGHT}") from error
    reason = "" if "icarus" in ran else "Icarus Verilog is not installed, so the bench ran on Verilator only"
    return LinkReport(len(request.images), f"packed frames in cocotb on {' and '.join(ran)}", reason), None


_RTL: dict[str, Callable[[VerifyRequest, IntArray, Progress], tuple[LinkReport, RtlFigures | None]]] = {
    "verilator": _verilator,
    "cocotb": _cocotb,
    "gates": _verilator,
}


def check_rtl(
    request: RtlRequest, images: IntArray, outputs: IntArray, result: RtlResult, progress: Progress = None, *, name: str = "the RTL"
) -> None:
    """Compare what a simulation made with the interpreter's outputs; a difference is looked for in the RTL, node by node.

    Raises:
        CheckFailedError: a value differs, a rule of the handshake is broken, or frames are missing.
    """
    for first, part in result.parts:
        failing, problem = first_problem(first, part, outputs, result.sink, name)
        if problem is None:
            continue
        node = first_rtl_difference(request, images, min(failing, len(images) - 1), progress=progress)
        raise CheckFailedError(f"{problem} (seed {request.seed}); {node or _ALL_RIGHT}")


def first_problem(first: int, part: SessionResult, outputs: IntArray, sink: BeatFormat, name: str = "the RTL") -> tuple[int, str | None]:
    """Image and text of a process's first wrong output, or of its fault; None where all is well."""
    for made in part.outputs:
        found = first_difference(sink.unpack(made), outputs[first : first + len(made)], first)
        if found is not None:
            return found.image, found.text("the output", name, "the interpreter")
    whole = first + min((len(made) for made in part.outputs), default=0)
    return whole, None if part.fault is None else f"{name} {part.fault}"


def _tell(progress: Progress, text: str) -> None:
    if progress is not None:
        progress(text)
