"""Compile a QONNX file into a build folder."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal

from xnorflow.errors import BadInputError
from xnorflow.flows.board.boards import board_named
from xnorflow.hw.build import Build
from xnorflow.hw.compile import compile_model
from xnorflow.hw.folding import FoldingRequest
from xnorflow.hw.folding.request import DEFAULT_CLOCK_MHZ
from xnorflow.hw.folding.solve import Budget
from xnorflow.pixels import PixelNorm

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

HEADS = ("logits", "argmax")


@dataclass(frozen=True)
class CompileResult:
    """A new build folder."""

    build: Build

    def to_json(self) -> dict[str, Any]:
        """Where it is, its ports, what stays on the host, its folding and its estimate."""
        manifest = self.build.manifest
        chosen = ("input", "output", "head", "pixel_norm", "host", "folding", "next_step")
        return {"build": str(self.build.folder), **{key: manifest[key] for key in chosen}, "estimate": self.build.estimate.to_json()}


def compile_(
    model: Path,
    out: Path,
    *,
    pixel_scale: str | None = None,
    mean: Sequence[float] = (),
    std: Sequence[float] = (),
    fps: float | None = None,
    clock_mhz: float = DEFAULT_CLOCK_MHZ,
    max_luts: int | None = None,
    max_brams: int | None = None,
    max_dsps: int | None = None,
    board: str | None = None,
    folding: Path | None = None,
    head: str = "logits",
    probes: int = 4,
    force: bool = False,
    progress: Callable[[str], None] | None = None,
) -> CompileResult:
    """Lower, fold and emit a QONNX file.

    Args:
        model: the QONNX file.
        out: the build folder to write.
        pixel_scale: factor of a pixel as a fraction such as ``1/255``; None, with no mean and std, for what the file says.
        mean: subtracted per channel after scaling.
        std: per-channel divisor, applied last.
        fps: frames a second to reach.
        clock_mhz: clock of the hardware.
        max_luts: estimated LUTs not to exceed; with neither ``fps`` nor ``folding`` the fastest such hardware is made.
        max_brams: estimated BRAM18 not to exceed.
        max_dsps: estimated DSPs not to exceed.
        board: whose part gives the limits that are not given.
        folding: file with PE and SIMD by layer, in FINN's format.
        head: ``logits``, or ``argmax`` for the label alone.
        probes: images on which each lowering pass is checked.
        force: replace an existing build folder.
        progress: called with a line of text.

    Raises:
        BadInputError: the model, an option or the folder cannot be used.
        CheckFailedError: a lowering pass changed the network's function.
    """
    if head not in HEADS:
        raise BadInputError(f"head {head!r} is unknown; accepted are {' and '.join(HEADS)}")
    kind: Literal["logits", "argmax"] = "argmax" if head == "argmax" else "logits"
    request = _limited(_request(fps, clock_mhz, folding), Budget(max_luts, None, max_brams, max_dsps), board)
    norm = _norm(pixel_scale, mean, std)
    return CompileResult(compile_model(model, out, pixel_norm=norm, head=kind, folding=request, probes=probes, force=force, progress=progress))


def _request(fps: float | None, clock_mhz: float, folding: Path | None) -> FoldingRequest:
    layers = None if folding is None else FoldingRequest.from_file(folding, clock_mhz).layers
    return FoldingRequest(fps=fps, layers=layers, clock_mhz=clock_mhz)


def _limited(request: FoldingRequest, given: Budget, board: str | None) -> FoldingRequest:
    """The request with the limits that are given, and those of a board where none is."""
    has = board_named(board).budget if board is not None else Budget()
    lut, bram18, dsp = (mine if mine is not None else its for mine, its in ((given.lut, has.lut), (given.bram18, has.bram18), (given.dsp, has.dsp)))
    return replace(request, max_luts=lut, max_ffs=has.ff, max_brams=bram18, max_dsps=dsp)


def _norm(scale: str | None, mean: Sequence[float], std: Sequence[float]) -> PixelNorm | None:
    if scale is None and not mean and not std:
        return None
    try:
        factor = Fraction(scale or "1/255")
    except (ValueError, ZeroDivisionError) as error:
        raise BadInputError(f"pixel scale {scale!r} is no fraction; 1/255 or 0.5 is accepted") from error
    return PixelNorm(factor, tuple(mean), tuple(std))
