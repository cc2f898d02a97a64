"""Estimates against Yosys and against simulated RTL: 40 random layers that no calibration has seen, and 8 whole networks.

    python benchmarks/estimates.py --seed 2026 [--only layers|networks] [--out benchmarks/results/estimates.json]

Layers are drawn by ``estimate_layers.py``, networks by ``estimate_networks.py``. A run that was interrupted goes on where it stopped; a row is
taken over as long as the files that are emitted for it are the same. LUTs are those of ``xnorflow synth``, of several that share a run of
Yosys, which keeps them apart; cycles and latency are measured in Verilator, where all outputs must be the interpreter's.
"""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import json
import sys
import tempfile
import warnings
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np
from apart import synthesise_apart
from estimate_layers import layers
from estimate_networks import NETWORKS, built
from provenance import ROOT, provenance

from xnorflow.hw.emit import emit
from xnorflow.hw.estimate.calibration import estimated
from xnorflow.hw.estimate.report import estimate_graph
from xnorflow.hw.fifo_sizing import graph_schedule
from xnorflow.hw.interpreter import execute
from xnorflow.sim.chain import check_rtl
from xnorflow.sim.multi import NetworkBatch, NetworkCase

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from xnorflow.hw.graph import Graph

FRAMES = 4
WORST = 0.2
GROUPS = (12, 3)  # layers, networks that share a run of Yosys and a model of Verilator
CLOCK_MHZ = 100.0
KINDS = ("lut", "ff", "bram18", "dsp")


def guess(graph: Graph) -> dict[str, float]:
    """What is estimated, with the TLAST counter of the port, which every build has."""
    cost, times = estimated(graph), estimate_graph(graph, graph_schedule(graph), CLOCK_MHZ)
    return {**{kind: round(getattr(cost, kind), 1) for kind in KINDS}, "cycles": times.interval, "latency": times.latency}


def fingerprint(graph: Graph) -> str:
    """Hash of all that is emitted for a graph."""
    digest = hashlib.sha256()
    with tempfile.TemporaryDirectory() as scratch:
        emit(graph, Path(scratch))
        for path in sorted(path for path in Path(scratch).rglob("*") if path.is_file()):
            digest.update(path.relative_to(scratch).as_posix().encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]


def measured(graphs: Sequence[Graph], seed: int) -> Iterator[dict[str, Any]]:
    """Cycles and latency of each in RTL, all in one model; the outputs are compared, too."""
    with tempfile.TemporaryDirectory() as scratch:
        cases = [_case(f"net{index}", graph, seed) for index, graph in enumerate(graphs)]
        batch = NetworkBatch.build(cases, Path(scratch))
        for case in cases:
            result, (source,) = batch.simulate(case, stalls=False), case.graph.inputs
            check_rtl(batch.request(case, stalls=False), case.images, execute(case.graph, {source: case.images})[case.graph.outputs[0]], result)
            yield {"cycles": result.cycles_per_image, "latency": result.latency}


def _case(name: str, graph: Graph, seed: int) -> NetworkCase:
    (kind,), rng, schedule = graph.inputs.values(), np.random.default_rng(seed), graph_schedule(graph)
    least, step = kind.dtype.minimum, 2 if kind.dtype.bipolar else 1
    images = least + step * rng.integers(0, (kind.dtype.maximum - least) // step + 1, (FRAMES, *kind.shape))
    return NetworkCase(name, graph, images, seed, 4 * (schedule.latency + schedule.interval) + 4000)


def errors(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The figures that the goal is about; of cycles and latency over the rows whose RTL was simulated."""
    simulated = [row for row in rows if "cycles" in row["made"]]
    relative = {kind: [abs(row["estimated"][kind] / row["made"][kind] - 1) for row in rows] for kind in ("lut", "ff")}
    return {
        "rows": len(rows),
        **{
            f"{kind}_{name}_percent": round(100 * of(values), 1)
            for kind, values in relative.items()
            for name, of in (("median", median), ("worst", max))
        },
        "lut_over_20_percent": sum(error > WORST for error in relative["lut"]),
        **{f"{kind}_exact": sum(row["estimated"][kind] == row["made"][kind] for row in rows) for kind in ("bram18", "dsp")},
        "simulated": len(simulated),
        **{f"{kind}_exact": sum(row["estimated"][kind] == row["made"][kind] for row in simulated) for kind in ("cycles", "latency")},
    }


def summary(rows: dict[str, Any]) -> dict[str, Any]:
    """Errors of all layers, of each kind, and of the networks."""
    kinds = dict.fromkeys(row["kind"] for row in rows.values())
    found = {kind: errors([row for row in rows.values() if row["kind"] == kind]) for kind in kinds}
    layers_done = [row for row in rows.values() if row["kind"] != "network"]
    return {**({"layers": errors(layers_done)} if layers_done else {}), **found}


def earlier(path: Path, seed: int) -> dict[str, Any]:
    """Rows of a run with this seed."""
    record = json.loads(path.read_text()) if path.is_file() else {}
    found: dict[str, Any] = record["rows"] if record.get("seed") == seed else {}
    return found


def drawn(seed: int, only: str | None) -> Iterator[tuple[str, str, Graph]]:
    """Kind, name and graph of everything, drawn when it is asked for."""
    if only != "networks":
        yield from layers(seed)
    if only != "layers":
        for name, network in NETWORKS.items():
            yield "network", name, built(network, seed).graph


def groups(items: Iterable[tuple[str, str, Graph]]) -> Iterator[list[tuple[str, str, Graph]]]:
    """Layers by twelves, networks by threes."""
    waiting: list[tuple[str, str, Graph]] = []
    for item in items:
        if waiting and (len(waiting) == GROUPS[waiting[0][0] == "network"] or (waiting[0][0] == "network") != (item[0] == "network")):
            yield waiting
            waiting = []
        waiting.append(item)
    if waiting:
        yield waiting


def save(path: Path, seed: int, rows: dict[str, Any], work: Path) -> None:
    """The record as far as it goes."""
    text = json.dumps({**provenance(), "seed": seed, "errors": summary(rows), "rows": rows}, indent=1) + "\n"
    partial = path.with_suffix(".partial")
    partial.write_text(text.replace(f" --work {work}", ""))
    partial.replace(path)


def main() -> None:
    """Go through all, keep each row as soon as it is known."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--only", choices=("layers", "networks"))
    parser.add_argument("--synthesis-only", action="store_true", help="simulate no RTL: cycles and latency are not compared")
    parser.add_argument("--work", type=Path, default=ROOT, help="where scratch folders come and go; not below the temporary folder")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results" / "estimates.json")
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    known, rows = earlier(given.out, given.seed), {}
    for group in groups(drawn(given.seed, given.only)):
        prints = {name: fingerprint(graph) for _, name, graph in group}
        fresh = [(name, graph) for _, name, graph in group if known.get(name, {}).get("emitted") != prints[name]]
        graphs = [graph for _, graph in fresh]
        if graphs:
            times_of = [{} for _ in graphs] if given.synthesis_only else measured(graphs, given.seed)
            found = zip(fresh, synthesise_apart(graphs, given.work), times_of, strict=True)
            known |= {name: {"emitted": prints[name], "made": {**dataclasses.asdict(cost), **times}} for (name, _), cost, times in found}
        for kind, name, graph in group:
            row = rows[name] = {"kind": kind, **known[name], "estimated": guess(graph)}
            figures = ", ".join(f"{what} {row['estimated'][what]:g} / {value:g}" for what, value in row["made"].items())
            print(f"{len(rows)} {name}: {figures}", file=sys.stderr, flush=True)
        save(given.out, given.seed, {**known, **rows}, given.work)
    save(given.out, given.seed, rows, given.work)
    print(json.dumps(summary(rows), indent=1))


if __name__ == "__main__":
    main()
