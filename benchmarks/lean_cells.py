"""What the datapath costs, recorded in ``benchmarks/results/lean-cells.json``: popcounts alone, and whole networks.

    python benchmarks/lean_cells.py popcounts
    python benchmarks/lean_cells.py network tfc --name tfc-64 --folding 16,49 8,8 8,8 10,8

A network is a QONNX file, or the name of an architecture, which is then not trained: random weights, batch norms that random pixels
have set. Its yardstick is LUT x cycles an image / synapses, with the LUTs that ``xnorflow synth`` counts; its RTL is compared with the
interpreter on random pixels first. A run adds its rows to the record, or replaces those of the same name.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from provenance import ROOT, provenance

from xnorflow.hw.compile import compile_model
from xnorflow.hw.emit.folder import LIBRARY
from xnorflow.hw.folding import FoldingRequest
from xnorflow.hw.nodes.mat_vec import MatVec
from xnorflow.hw.popcount import popcount_tree, trees_text, xnor_tree
from xnorflow.hw.synth import run_yosys, synthesise
from xnorflow.sim.chain import VerifyRequest, verify

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


def untrained(name: str) -> bytes:
    """An architecture with random weights and thresholds as a QONNX file, the same one every time."""
    import torch
    from untrained import follow, scatter

    from xnorflow.models import build, lookup
    from xnorflow.pixels import PixelNorm
    from xnorflow.qat.export import qonnx_bytes
    from xnorflow.qat.layers import QuantScheme
    from xnorflow.qat.quantise import quantise

    torch.manual_seed(7)
    shape = lookup(name).input_shape
    model = quantise(build(name, input_shape=shape, num_classes=10), QuantScheme())
    scatter(model)
    return qonnx_bytes(follow(model, torch.randint(0, 256, (64, *shape)) / 255), PixelNorm(), shape)


def network(model: str, folding: list[str] | None, fps: float | None, images: int) -> dict[str, Any]:
    """One build: its resources, its interval and the yardstick, after its RTL has been compared with the interpreter."""
    layers: dict[str, Any] = {"Defaults": {}}
    for number, pair in enumerate(folding or ()):
        pe, simd = pair.split(",")
        layers[f"MVAU_hls_{number}"] = {"PE": int(pe), "SIMD": int(simd)}
    request = FoldingRequest(fps=fps) if folding is None else FoldingRequest(layers=layers)
    with tempfile.TemporaryDirectory(dir=Path.cwd(), prefix=".lean-") as scratch:
        file = Path(model) if model.endswith(".onnx") else Path(scratch) / "net.onnx"
        if not model.endswith(".onnx"):
            file.write_bytes(untrained(model))
        laps = [time.monotonic()]
        build = compile_model(file, Path(scratch) / "build", folding=request)
        laps.append(time.monotonic())
        done = synthesise(build)
        laps.append(time.monotonic())
        (kind,) = build.graph.inputs.values()
        pixels = np.random.default_rng(0).integers(0, 256, (images, *kind.shape)).astype(np.uint8)
        verified = verify(VerifyRequest(build=build, images=pixels, source="random pixels", links=("rtl",)))
        assert verified.rtl is not None, "the RTL was asked for"
        products = [node for node in build.graph.nodes if isinstance(node, MatVec)]
        synapses = sum(node.weights.size * build.graph.types_of(node)[0].size // node.mw for node in products)
        interval = build.estimate.interval
    return {
        **done.to_json(),
        "folding": {node.name: [node.pe, node.simd] for node in products},
        "interval": interval,
        "synapses": synapses,
        "yardstick": round(done.synthesised.lut * interval / synapses, 2),
        "rtl_equals_interpreter": {"images": images, "cycles_per_image": verified.rtl.cycles_per_image},
        "compile_seconds": round(laps[1] - laps[0]),
        "synthesis_seconds": round(laps[2] - laps[1]),
    }


def main() -> None:
    """Run one of the two and put its rows into the record."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("popcounts")
    whole = commands.add_parser("network")
    whole.add_argument("model", help="QONNX file, or name of an architecture")
    whole.add_argument("--name", required=True)
    whole.add_argument("--folding", nargs="+", metavar="PE,SIMD")
    whole.add_argument("--fps", type=float)
    whole.add_argument("--images", type=int, default=100, help="compared on the RTL")
    given = parser.parse_args()
    if given.command == "popcounts":
        rows = popcounts()
    else:
        rows = {given.name: network(given.model, given.folding, given.fps, given.images)}
        print(json.dumps(rows))
    run = provenance()
    if given.command == "network":
        run["command"] = run["command"].replace(given.model, Path(given.model).name)
    rows = {name: {**row, "run": run} for name, row in rows.items()}
    old = json.loads(RESULT.read_text(encoding="utf-8")) if RESULT.is_file() else {}
    RESULT.write_text(json.dumps({**old, **rows}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
