"""Proves random networks equal on QONNX, interpreter, CPU and RTL, and records the run.

    python benchmarks/random_networks_rtl.py --networks 1000
    python benchmarks/random_networks_rtl.py --networks 1000 --residual

Seeds are 0, 1, 2, ...; a run that was interrupted goes on where it stopped, unless the code has changed since.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from provenance import provenance

from xnorflow.errors import CheckFailedError
from xnorflow.hw.random_networks import draw
from xnorflow.hw.random_residuals import draw_residual
from xnorflow.sim.random_proof import NetworkFigures, prove_networks

if TYPE_CHECKING:
    from collections.abc import Callable

RESULT = Path(__file__).parent / "results" / "random-networks-rtl.json"
RESIDUAL_RESULT = RESULT.with_name("random-residuals-rtl.json")
BATCH = 20


def _record(origin: dict[str, str], figures: list[NetworkFigures], failures: list[str], seconds: float) -> dict[str, Any]:
    return {
        **origin,
        "networks": len(figures) + len(failures),
        "equal_on_all_links": len(figures),
        "failures": failures,
        "images_each": max((f.images for f in figures), default=0),
        "rtl_frames": sum(f.frames for f in figures),
        "rtl_cycles": sum(f.cycles for f in figures),
        "intervals_equal_to_the_estimate": sum(f.interval == f.estimate for f in figures),
        "latencies_equal_to_the_estimate": sum(f.latency == f.latency_estimate for f in figures),
        "seconds": round(seconds),
        "figures": [asdict(f) for f in figures],
    }


def _earlier(path: Path, now: str) -> tuple[list[NetworkFigures], list[str], float]:
    if not path.is_file():
        return [], [], 0.0
    record = json.loads(path.read_text())
    if record["commit"] != now:
        return [], [], 0.0
    return [NetworkFigures(**f) for f in record["figures"]], record["failures"], record["seconds"]


def _prove(seeds: range, drawn: Callable[[int], Any]) -> tuple[list[NetworkFigures], list[str]]:
    """One batch; where it fails, its networks one by one, so that every failure is named."""
    try:
        return prove_networks(seeds, drawn=drawn), []
    except CheckFailedError:
        figures, failures = [], []
        for seed in seeds:
            try:
                figures += prove_networks([seed], drawn=drawn)
            except CheckFailedError as error:
                failures.append(str(error))
        return figures, failures


def main() -> int:
    """Run; exit code 1 if a network differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--networks", type=int, default=1000)
    parser.add_argument("--residual", action="store_true", help="networks whose branches meet, with gates and products, instead of chains")
    parser.add_argument("--blocks", type=int, default=2, help="most blocks of a network whose branches meet")
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    origin = provenance()
    drawn = partial(draw_residual, blocks=options.blocks) if options.residual else draw
    options.output = options.output or (RESIDUAL_RESULT if options.residual else RESULT)
    figures, failures, before = _earlier(options.output, origin["commit"])
    start = time.perf_counter()
    options.output.parent.mkdir(parents=True, exist_ok=True)
    for first in range(len(figures) + len(failures), options.networks, BATCH):
        done, failed = _prove(range(first, min(first + BATCH, options.networks)), drawn)
        figures, failures = figures + done, failures + failed
        seconds = before + time.perf_counter() - start
        unfinished = options.output.with_suffix(".partial")
        unfinished.write_text(json.dumps(_record(origin, figures, failures, seconds)) + "\n")
        unfinished.replace(options.output)
        print(
            f"{len(figures) + len(failures)} of {options.networks} networks, {len(failures)} failures, {seconds:.0f} s", file=sys.stderr, flush=True
        )
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
