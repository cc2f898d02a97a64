"""What the datapath costs, recorded in ``benchmarks/results/lean-cells.json``: popcounts alone, and whole networks.

    python benchmarks/lean_cells.py popcounts
    python benchmarks/lean_cells.py network tfc.onnx --name tfc-64 --folding 16,49 8,8 8,8 10,8

A network's yardstick is LUT x cycles an image / synapses, with the LUTs that ``xnorflow synth`` counts. A run adds its rows to
the record, or replaces those of the same name.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

from provenance import ROOT, provenance

from xnorflow.hw.compile import compile_model
from xnorflow.hw.emit.folder import LIBRARY
from xnorflow.hw.folding import FoldingRequest
from xnorflow.hw.nodes.mat_vec import MatVec
from xnorflow.hw.popcount import popcount_tree, trees_text, xnor_tree
from xnorflow.hw.synth import run_yosys, synthesise

RESULT = ROOT / "benchmarks" / "results" / "lean-cells.json"
WIDTHS = (16, 64, 256)


def popcounts() -> dict[str, Any]:
    """LUTs of each popcount as a tree and as the loop, through the same command."""
    rows: dict[str, Any] = {}
    for cell, grow, ports in (("xf_popcount", popcount_tree, ("data_i",)), ("xf_xnor_count", xnor_tree, ("data_i", "weight_i"))):
        for width in WIDTHS:
            tree, loop = (_popcount(cell, width, ports, structural=structural) for structural in (True, False))
            rows[f"{cell} {width}"] = {"tree": tree, "loop": loop, "tree_formula": grow(width).luts, "tree_depth": round(grow(width).depth, 1)}
            print(rows[f"{cell} {width}"], flush=True)
    return rows


def _popcount(cell: str, width: int, ports: tuple[str, ...], *, structural: bool) -> int:
    with tempfile.TemporaryDirectory(dir=Path.cwd(), prefix=".lean-") as scratch:
        folder = Path(scratch)
        for part in ("rtl", "xc7"):
            (folder / part).mkdir()
        for path in LIBRARY.glob("*.sv"):
            text = path.read_text(encoding="utf-8")
            (folder / "rtl" / path.name).write_text(text if structural else text.replace("`ifdef XF_XC7", "`ifdef XF_NOT_XC7"), encoding="utf-8")
        (folder / "xc7" / "top_trees.sv").write_text(trees_text([width], [width]), encoding="ascii")
        nets = "".join(f"input [{width - 1}:0] {name}, " for name in ports)
        connections = ", ".join(f".{name}({name})" for name in (*ports, "count_o"))
        top = f"module top({nets}output [{width.bit_length() - 1}:0] count_o); {cell} #(.Width({width})) u ({connections}); endmodule\n"
        (folder / "top.v").write_text(top, encoding="ascii")
        return int(run_yosys(folder, "top").resources.lut)


def network(model: Path, folding: list[str] | None, fps: float | None) -> dict[str, Any]:
    """One build: its resources, its interval and the yardstick."""
    layers: dict[str, Any] = {"Defaults": {}}
    for number, pair in enumerate(folding or ()):
        pe, simd = pair.split(",")
        layers[f"MVAU_hls_{number}"] = {"PE": int(pe), "SIMD": int(simd)}
    request = FoldingRequest(fps=fps) if folding is None else FoldingRequest(layers=layers)
    with tempfile.TemporaryDirectory(dir=Path.cwd(), prefix=".lean-") as scratch:
        build = compile_model(model, Path(scratch) / "build", folding=request)
        start = time.monotonic()
        done = synthesise(build)
        seconds = time.monotonic() - start
        products = [node for node in build.graph.nodes if isinstance(node, MatVec)]
        synapses = sum(node.weights.size * build.graph.types_of(node)[0].size // node.mw for node in products)
        interval = build.estimate.interval
    return {
        **done.to_json(),
        "folding": {node.name: [node.pe, node.simd] for node in products},
        "interval": interval,
        "synapses": synapses,
        "yardstick": round(done.synthesised.lut * interval / synapses, 2),
        "synthesis_seconds": round(seconds),
    }


def main() -> None:
    """Run one of the two and put its rows into the record."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("popcounts")
    whole = commands.add_parser("network")
    whole.add_argument("model", type=Path)
    whole.add_argument("--name", required=True)
    whole.add_argument("--folding", nargs="+", metavar="PE,SIMD")
    whole.add_argument("--fps", type=float)
    given = parser.parse_args()
    if given.command == "popcounts":
        rows = popcounts()
    else:
        rows = {given.name: network(given.model, given.folding, given.fps)}
        print(json.dumps(rows))
    run = provenance()
    if given.command == "network":
        run["command"] = run["command"].replace(str(given.model), given.model.name)
    rows = {name: {**row, "run": run} for name, row in rows.items()}
    old = json.loads(RESULT.read_text(encoding="utf-8")) if RESULT.is_file() else {}
    RESULT.write_text(json.dumps({**old, **rows}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
