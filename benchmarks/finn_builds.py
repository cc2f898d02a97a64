"""Builds through FINN+ for every board, recorded: seconds of each step, FINN's estimates, and the generated RTL against PyTorch.

    python benchmarks/finn_builds.py tfc BUILD --data mnist=DIR --checkpoint CHECKPOINT [--images 100] [--no-rtl]

BUILD is a folder of ``xnorflow compile``, CHECKPOINT what it was exported from. Each board's build is compared with the interpreter
after every step. The RTL that FINN's builder generated for the first board is compared with the interpreter on the first images of the
data, back to back and with random stalls, and the interpreter with PyTorch on the same images. The record is the network's entry in
``benchmarks/results/finn-builds.json``.
"""

from __future__ import annotations

import argparse
import dataclasses
import resource
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from provenance import ROOT, provenance, record_entry

from xnorflow.flows.board.boards import BOARDS
from xnorflow.flows.finn.run import finn
from xnorflow.flows.finn.settings import STITCHED
from xnorflow.flows.finn.simulate import simulate_stitched
from xnorflow.flows.images import load_images
from xnorflow.flows.verify import verify
from xnorflow.hw.build import Build

RESULT = ROOT / "benchmarks" / "results" / "finn-builds.json"


def say(text: str) -> None:
    """Progress to stderr."""
    print(text, file=sys.stderr, flush=True)


def build_board(build: Path, out: Path, board: str) -> dict[str, Any]:
    """One build and its figures."""
    say(f"== {board}")
    begin, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    done = finn(build, out, board=board, force=out.exists(), progress=say)
    seconds, after = round(time.perf_counter() - begin, 1), resource.getrusage(resource.RUSAGE_CHILDREN)
    busy = round(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, 1)
    steps = {step.step: step.seconds for step in done.steps}
    figures = {"wall_seconds": seconds, "cpu_seconds": busy, "steps": steps, "images_equal_after_every_step": min(step.images for step in done.steps)}
    return {**figures, "finn_performance": done.performance, "finn_resources": done.resources}


def rtl(build: Path, out: Path, given: argparse.Namespace) -> dict[str, Any]:
    """The RTL of FINN's builder on real images, and PyTorch on the same."""
    images = load_images(given.data, given.images).images.astype(np.int64)
    opened = Build.open(build)
    runs = {}
    for name, stalls in (("back_to_back", False), ("stalled", True)):
        say(f"== RTL, {name}")
        begin = time.perf_counter()
        done = simulate_stitched(opened, out / STITCHED, len(images), images=images, stalls=stalls)
        runs[name] = {**dataclasses.asdict(done), "wall_seconds": round(time.perf_counter() - begin, 1)}
    report = verify(build, images=given.images, data=given.data, checkpoint=given.checkpoint, links=("pytorch",))
    pytorch = report.links["pytorch"]
    return {**runs, "pytorch": {"status": pytorch.status, "images": pytorch.images}}


def main() -> None:
    """Build, simulate, record."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name")
    parser.add_argument("build", type=Path)
    parser.add_argument("--data", required=True)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--images", type=int, default=100)
    parser.add_argument("--no-rtl", action="store_true")
    parser.add_argument("--work", type=Path, default=ROOT / "out" / "finn-builds")
    given = parser.parse_args()
    estimate = Build.open(given.build).estimate
    total = estimate.total
    ours = {"interval": estimate.interval, "nodes": len(estimate.nodes), "lut": round(total.lut), "bram18": total.bram18, "dsp": total.dsp}
    boards = {}
    for board in BOARDS:
        boards[board] = build_board(given.build, given.work / f"{given.name}-{board}", board)
    entry: dict[str, Any] = {**provenance(), "compiled": ours, "boards": boards}
    if not given.no_rtl:
        entry["rtl"] = rtl(given.build, given.work / f"{given.name}-{next(iter(BOARDS))}", given)
    names = {given.data.partition("=")[2]: "DIR", str(given.build): "BUILD", str(given.checkpoint): "CHECKPOINT", str(given.work): "WORK"}
    record_entry(RESULT, given.name, entry, names)
    say(f"{given.name} recorded in {RESULT.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
