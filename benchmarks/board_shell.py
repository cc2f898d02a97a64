"""Puts builds into the shell for every board, and streams packed batches through its RTL; records both.

python benchmarks/board_shell.py BUILD... --images 20
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from provenance import provenance

from xnorflow.flows.board.boards import BOARDS
from xnorflow.flows.board.shell import shell
from xnorflow.flows.board.simulate import SimulatedShell, check_shell
from xnorflow.flows.board.wrapper import SHELL_MODULE
from xnorflow.hw.build import Build

RESULT = Path(__file__).parent / "results" / "board-shell.json"


def measure(folder: Path, images: int) -> dict[str, Any]:
    """One build: seconds to write each board's folder, the estimated rates, and the simulation of one batch, which stops where a value differs."""
    build = Build.open(folder)
    boards = {}
    with tempfile.TemporaryDirectory() as scratch:
        for name in BOARDS:
            begin = time.perf_counter()
            result = shell(folder, name, Path(scratch, name))
            boards[name] = {"seconds": round(time.perf_counter() - begin, 2), "interval": result.interval}
        wrapper = Path(scratch, name, "hw", f"{SHELL_MODULE}.v")
        SimulatedShell.of(build, wrapper)  # compiled beforehand, so that the figure is the simulation's
        begin = time.perf_counter()
        cycles = check_shell(build, wrapper, images)
        seconds = time.perf_counter() - begin
    return {
        "network_interval": build.estimate.interval,
        "boards": boards,
        "images": images,
        "cycles": cycles,
        "seconds": round(seconds, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("builds", nargs="+", type=Path)
    parser.add_argument("--images", type=int, default=20)
    parser.add_argument("--out", type=Path, default=RESULT)
    given = parser.parse_args()
    record = {**provenance(), "networks": {}}
    for folder in given.builds:
        record["networks"][folder.name] = measure(folder, given.images)
        print(json.dumps(record["networks"][folder.name]), file=sys.stderr)
    given.out.write_text(json.dumps(record, indent=2) + "\n")


if __name__ == "__main__":
    main()
