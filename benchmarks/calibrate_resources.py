"""Synthesises every case of ``xnorflow.hw.estimate.calibration`` and records the counts in ``resources_xc7.json``.

Run from the repository's root: ``python benchmarks/calibrate_resources.py [--only XnorMatVec]``. Cases not asked for
keep their recorded counts; the table of errors goes to standard output.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import tempfile
from pathlib import Path

from xnorflow.hw.cell import Resources
from xnorflow.hw.emit import emit
from xnorflow.hw.estimate.calibration import cases, estimated
from xnorflow.hw.graph import Graph
from xnorflow.hw.synth.yosys import run_yosys

TABLE = Path(__file__).with_name("resources_xc7.json")


def synthesise(graph: Graph) -> Resources:
    with tempfile.TemporaryDirectory(dir=Path.cwd(), prefix=".calibrate-") as folder:
        emit(graph, Path(folder))
        return run_yosys(Path(folder), "top").resources


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", help="synthesise the cases whose name begins so")
    parser.add_argument("--missing", action="store_true", help="synthesise the cases that have no record")
    options = parser.parse_args()
    old = json.loads(TABLE.read_text(encoding="utf-8")) if TABLE.is_file() else {}
    table: dict[str, dict[str, float]] = {}
    for name, graph in cases():
        wanted = name not in old if options.missing else options.only is None or name.startswith(options.only)
        if wanted:
            table[name] = dataclasses.asdict(synthesise(graph))
        elif name in old:
            table[name] = old[name]
        else:
            continue
        guess = estimated(graph)
        print(f"{name:60} " + "  ".join(f"{key} {getattr(guess, key):6.0f} {value:6.0f}" for key, value in table[name].items()), flush=True)
        TABLE.write_text(json.dumps({**old, **table}, indent=1) + "\n", encoding="utf-8")
    TABLE.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
