"""Several netlists through one run of Yosys, each kept apart from the others: what it takes to begin is most of a small cell's time."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from xnorflow.hw.emit import emit
from xnorflow.hw.emit.folder import TreeWidths, short_weights, tree_widths
from xnorflow.hw.folding.hardware import hardware_nodes
from xnorflow.hw.synth import CellCounts
from xnorflow.hw.synth.yosys import made_by_yosys

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from xnorflow.hw.cell import Resources
    from xnorflow.hw.graph import Graph

TOP = "apart"


def synthesise_apart(graphs: Sequence[Graph], work: Path) -> list[Resources]:
    """What Yosys counts for each graph, with the command of ``xnorflow synth``.

    ABC's choices lean a little on what it maps beside a cell: a table of 22 LUTs by itself has been 23.

    Args:
        graphs: folded, with width converters and FIFOs.
        work: where a scratch folder comes and goes; not below the temporary folder.
    """
    with tempfile.TemporaryDirectory(dir=work, prefix="apart-") as scratch:
        folder, widths, roms = Path(scratch), TreeWidths(), {}
        for index, graph in enumerate(graphs):
            emit(graph, folder, f"net{index}")
            cells = {node.name: node.cell(graph.types_of(node)) for node in hardware_nodes(graph)}
            widths, roms = widths | tree_widths(cells.values()), roms | short_weights(cells, f"net{index}")
        if widths:
            (folder / "xc7" / f"{TOP}_trees.sv").write_text(widths.text(roms), encoding="ascii")
        modules = [(folder / f"net{index}.v").read_text(encoding="ascii") for index in range(len(graphs))]
        instances = "".join(f"(* keep *) net{index} u{index} ();\n" for index in range(len(graphs)))
        kept = [text.replace("\nmodule ", "\n(* keep_hierarchy *)\nmodule ") for text in modules]
        (folder / f"{TOP}.v").write_text("".join(kept) + f"module {TOP};\n{instances}endmodule\n", encoding="ascii")
        record = json.loads(made_by_yosys(folder, TOP, lambda place: [f"tee -q -o {place}/made stat -json"], None))
    made = {name.lstrip("\\"): module["num_cells_by_type"] for name, module in record["modules"].items()}
    return [CellCounts(_counted(f"net{index}", made)).resources for index in range(len(graphs))]


def _counted(name: str, modules: Mapping[str, Mapping[str, int]]) -> dict[str, int]:
    """Primitives of a module and of those in it that keep their hierarchy too."""
    found: dict[str, int] = {}
    for raw, count in modules[name].items():
        kind = raw.lstrip("\\")
        inner = _counted(kind, modules) if kind in modules else {kind: 1}
        for primitive, each in inner.items():
            found[primitive] = found.get(primitive, 0) + count * each
    return found
