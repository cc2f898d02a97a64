"""Verify a build: the same images through PyTorch, QONNX, interpreter, CPU and RTL, compared bit by bit."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from xnorflow.errors import BadInputError
from xnorflow.flows.images import load_images, random_images
from xnorflow.flows.results import keep
from xnorflow.hw.build import Build
from xnorflow.sim.chain import LINKS, VerifyRequest
from xnorflow.sim.chain import verify as verify_chain

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from xnorflow.flows.images import ImageSet
    from xnorflow.qat.data.view import EvaluationView
    from xnorflow.sim.report import VerifyReport

MAX_SEED = (1 << 31) - 1
_RANDOM_IMAGES = {"verilator": 100, "cocotb": 4, "gates": 100}


def verify(
    build: Path,
    *,
    images: int | None = None,
    data: str | None = None,
    engine: str = "verilator",
    stalls: bool = False,
    seed: int = 0,
    checkpoint: Path | None = None,
    links: tuple[str, ...] = LINKS,
    qonnx_images: int | None = None,
    liberty: Path | None = None,
    progress: Callable[[str], None] | None = None,
) -> VerifyReport:
    """Stream images through every link of the chain and compare each with the interpreter by ``==``.

    The report is kept beside the build, for the page of ``report``.

    Args:
        build: folder that ``compile`` wrote.
        images: how many, at least 2; None for all of ``data`` (100 random ones without data; 4 with cocotb).
        data: see :data:`xnorflow.flows.images.FORMS`; None for random pixels drawn from ``seed``.
        engine: ``verilator`` (whole data sets), ``cocotb`` (protocol bench on Verilator and Icarus) or ``gates`` (the netlist that Yosys makes
            for xc7, or in the cells of ``liberty``, in Verilator).
        stalls: draw input gaps and output stalls.
        seed: of everything random, 0 to :data:`MAX_SEED`.
        checkpoint: the trained network; None leaves out the PyTorch link.
        links: which links to run.
        qonnx_images: most images for the QONNX execution; None for all.
        liberty: for ``gates``, the Liberty file of a library of standard cells; None for xc7.
        progress: called with a line of text.

    Raises:
        BadInputError: build, data or checkpoint cannot be used.
        CheckFailedError: two links differ.
        MissingToolError: a simulator is not installed.
    """
    if not 0 <= seed <= MAX_SEED:
        raise BadInputError(f"seed {seed} is not between 0 and {MAX_SEED}")
    opened = Build.open(build)
    chosen = _images(opened, images, data, engine, seed, _view(checkpoint), progress)
    request = VerifyRequest(
        build=opened,
        images=chosen.images,
        source=chosen.source,
        engine=engine,
        stalls=stalls,
        seed=seed,
        links=links,
        qonnx_images=qonnx_images,
        liberty=liberty,
        pytorch=None if checkpoint is None else pytorch_link(checkpoint, opened),
    )
    report = verify_chain(request, progress=progress)
    keep(opened, "verify", report.to_json())
    return report


def _view(checkpoint: Path | None) -> EvaluationView | None:
    """How the checkpoint's network was shown images that have not its size."""
    if checkpoint is None:
        return None
    from xnorflow.qat.checkpoint import read_info

    return read_info(checkpoint).view


def _images(
    build: Build,
    count: int | None,
    data: str | None,
    engine: str,
    seed: int,
    view: EvaluationView | None,
    progress: Callable[[str], None] | None,
) -> ImageSet:
    if data is None:
        (kind,) = build.graph.inputs.values()
        return random_images(kind.shape, _RANDOM_IMAGES.get(engine, 4) if count is None else count, seed)
    if count is None and engine == "cocotb":
        count = _RANDOM_IMAGES["cocotb"]
    return load_images(data, count, view=view, progress=progress)


def pytorch_link(checkpoint: Path, build: Build) -> Callable[[npt.NDArray[np.uint8]], npt.NDArray[np.float32]]:
    """The frozen PyTorch network as a function from uint8 images ``(N, H, W, C)`` to float32 logits ``(N, classes)``.

    Raises:
        BadInputError: the checkpoint cannot be read, or it normalises pixels otherwise than the build.
    """
    import torch

    from xnorflow.qat.checkpoint import load_checkpoint
    from xnorflow.qat.freeze import freeze

    info, network = load_checkpoint(checkpoint)
    if info.pixel_norm != build.pixel_norm:
        raise BadInputError(f"checkpoint {checkpoint} normalises pixels by {info.pixel_norm.to_json()}, the build by {build.pixel_norm.to_json()}")
    frozen = freeze(network)

    def run(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        x = np.ascontiguousarray(info.pixel_norm.apply(images).transpose(0, 3, 1, 2))
        with torch.no_grad():
            return np.asarray(frozen(torch.from_numpy(x)).numpy(), dtype=np.float32)

    return run
