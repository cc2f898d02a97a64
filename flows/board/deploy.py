"""Writes what a board needs: settings, and the few modules of this package that run there, with numpy and pynq alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import xnorflow
from xnorflow.flows.board.widths import dma_bytes
from xnorflow.sim.packing import BeatFormat
from xnorflow.sim.pynq.deployment import SETTINGS, Deployment
from xnorflow.sim.rtl import sink_format, source_format

if TYPE_CHECKING:
    from xnorflow.flows.board.boards import Board
    from xnorflow.hw.build import Build

NAME = "xnorflow"  # of the Vivado project, its block design and the bitstream
# Everything that Accelerator.open(folder, "pynq") imports; a test runs it where nothing else is.
_MODULES = (
    "__init__.py",
    "errors.py",
    "records.py",
    "hw/__init__.py",
    "hw/chain.py",
    "hw/graph.py",
    "hw/types.py",
    "sim/__init__.py",
    "sim/accelerator.py",
    "sim/packing.py",
    "sim/pynq/__init__.py",
    "sim/pynq/axi_dma.py",
    "sim/pynq/deployment.py",
    "sim/pynq/finn.py",
)
_RUN = '''\
"""Run images on the board: `python3 run.py IMAGES.npy [OUT.npy]`; images are uint8 (N, H, W, C), what comes out is logits or labels."""

import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "python"))

from xnorflow.errors import XnorflowError  # noqa: E402
from xnorflow.sim.accelerator import Accelerator  # noqa: E402


def main() -> int:
    if len(sys.argv) not in (2, 3):
        print(__doc__, file=sys.stderr)
        return 2
    try:
        made = Accelerator.open(HERE, "pynq").infer(np.load(sys.argv[1]))
    except XnorflowError as error:
        print(f"run.py: error: {error}", file=sys.stderr)
        return error.exit_code
    if len(sys.argv) == 3:
        np.save(sys.argv[2], made)
    for label in made if made.ndim == 1 else made.argmax(axis=1):
        print(int(label))
    return 0


if __name__ == "__main__":
    sys.exit(main())
'''


def ports(build: Build) -> tuple[BeatFormat, BeatFormat]:
    """The beats of a build's input and output; the input has the shape of an image, whatever the first cell makes of it."""
    (kind,) = build.graph.inputs.values()
    return BeatFormat(kind, source_format(build.graph).lanes), sink_format(build.graph)


def deployment_of(build: Build, board: Board, clock_mhz: float) -> Deployment:
    """The settings of a build in the AXI DMA shell."""
    source, sink = ports(build)
    most = board.system.memory_bits // 8
    moves = [b.beats * b.bytes // dma_bytes(b.bytes, b.beats * b.bytes, most) for b in (source, sink)]
    labels = str(build.manifest["head"]) == "argmax"
    return Deployment(f"{NAME}.bit", source, sink, labels, build.tail, clock_mhz, max(build.estimate.interval, *moves))


def write_deployment(folder: Path, deployment: Deployment) -> None:
    """Write ``settings.json`` and the programs into a folder that exists; the bitstream comes from Vivado."""
    (folder / SETTINGS).write_text(json.dumps(deployment.to_json(), indent=1) + "\n", encoding="utf-8")
    write_programs(folder)


def write_programs(folder: Path) -> None:
    """Write ``run.py`` and ``python/``, which run a deployment on a board."""
    (folder / "run.py").write_text(_RUN, encoding="utf-8")
    package = Path(xnorflow.__file__).parent
    for name in _MODULES:
        target = folder / "python" / "xnorflow" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((package / name).read_bytes())
