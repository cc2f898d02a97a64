"""Proves in RTL that the smallest safe FIFO depths of drawn networks are safe, and that one beat less in any FIFO stops them.

    python benchmarks/fifo_depths_rtl.py --networks 100

Seeds are 0, 1, 2, ...; networks that need no FIFO to be safe are left out and not counted.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from provenance import provenance

from xnorflow.hw.deadlock import fifo_depths
from xnorflow.hw.random_residuals import draw_residual
from xnorflow.sim.depth_proof import DepthFigures, prove_depths
from xnorflow.sim.random_proof import random_graph

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xnorflow.hw.graph import Graph

RESULT = Path(__file__).parent / "results" / "fifo-depths-rtl.json"
BATCH = 10


def _networks(blocks: int) -> Iterator[tuple[str, Graph]]:
    """Drawn networks that stop without FIFOs, each with its name."""
    seed = 0
    while True:
        graph = random_graph(seed, draw_residual(seed, blocks=blocks))
        if any(fifo.safe for fifo in fifo_depths(graph).fifos):
            yield f"net{seed}", graph
        seed += 1


def _record(origin: dict[str, str], figures: list[DepthFigures]) -> dict[str, Any]:
    built, safe = (sum(sum(getattr(f, name)) for f in figures) for name in ("built", "safe"))
    return {
        **origin,
        "networks": len(figures),
        "fifos": sum(len(f.built) for f in figures),
        "beats_built": built,
        "beats_smallest_safe": safe,
        "stopped_with_one_beat_less": sum(f.stopped for f in figures),
        "slower_with_the_smallest_safe_depths": sum(f.safe_interval > f.interval for f in figures),
        "figures": [asdict(f) for f in figures],
    }


def main() -> None:
    """Run; a network that is not as the search says ends it with an error."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--networks", type=int, default=100)
    parser.add_argument("--blocks", type=int, default=2, help="most blocks of a network")
    parser.add_argument("--output", type=Path, default=RESULT)
    options = parser.parse_args()
    origin, figures, networks = provenance(), list[DepthFigures](), _networks(options.blocks)
    while len(figures) < options.networks:
        figures += prove_depths(dict(next(networks) for _ in range(min(BATCH, options.networks - len(figures)))))
        unfinished = options.output.with_suffix(".partial")
        unfinished.write_text(json.dumps(_record(origin, figures)) + "\n")
        unfinished.replace(options.output)
        print(f"{len(figures)} of {options.networks} networks", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
