"""Writes a folded graph as RTL: ``top.v``, cells under ``rtl/``, bodies for xc7 and standard cells under ``xc7/`` and ``asic/``, memory images."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from xnorflow.hw.emit import names
from xnorflow.hw.emit.check import check_netlist
from xnorflow.hw.emit.lut_roms import PAIR_WORDS, lut_roms_text
from xnorflow.hw.emit.netlist import top_text
from xnorflow.hw.folding.hardware import hardware_nodes
from xnorflow.hw.popcount import adders_text, trees_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from xnorflow.hw.cell import Cell, Memory
    from xnorflow.hw.graph import Graph

LIBRARY = Path(__file__).resolve().parent.parent / "rtl"
PORT_CELLS = frozenset({"xf_axis_in", "xf_axis_out"})
_CELL_NAME = re.compile(r"\bxf_\w+")
XC7_HEAD = "`define XF_XC7\n"
_USES_XC7 = "`ifdef XF_XC7"


@dataclass(frozen=True)
class TreeWidths:
    """Widths of the popcounts for xc7 that a design uses; false where it uses none.

    Attributes:
        popcounts: of bits whose weights are constants.
        xnors: of bits and weights that both change.
    """

    popcounts: frozenset[int] = frozenset()
    xnors: frozenset[int] = frozenset()

    @property
    def parts(self) -> tuple[frozenset[int], frozenset[int]]:
        """Both."""
        return self.popcounts, self.xnors

    def __or__(self, other: TreeWidths) -> TreeWidths:
        return TreeWidths(self.popcounts | other.popcounts, self.xnors | other.xnors)

    def __bool__(self) -> bool:
        return any(self.parts)

    def text(self, roms: Mapping[str, Memory] = MappingProxyType({})) -> str:
        """The trees as SystemVerilog, and beside them the memories of few words that are given, by their files."""
        return f"{trees_text(*self.parts)}\n{lut_roms_text(roms)}"

    def adders(self) -> str:
        """Likewise for standard cells, where XNORs stand apart."""
        return adders_text(self.popcounts | self.xnors)


def emit(graph: Graph, folder: Path, top_name: str = "top") -> None:
    """Write the hardware of a graph into a folder; byte-identical for an identical graph.

    Args:
        graph: folded, with its width converters and FIFOs.
        folder: where ``<top_name>.v``, ``rtl/``, ``xc7/``, ``asic/`` and ``mem/`` go; made if it is missing. The files of ``xc7/`` and
            ``asic/`` belong to the cells where ``XF_XC7`` or ``XF_ASIC`` is defined, which the synthesis does and no simulation.
        top_name: module and file name of the netlist, and prefix of its memory images, so that several networks can
            share a folder.

    Raises:
        BadInputError: a node's name is no identifier.
        CheckFailedError: the netlist does not elaborate, or a connection's width is wrong (a fault of xnorflow).
    """
    names.checked(top_name, "top module")
    cells = {node.name: node.cell(graph.types_of(node)) for node in hardware_nodes(graph)}
    text = top_text(graph, cells, top_name)
    (folder / "rtl").mkdir(parents=True, exist_ok=True)
    (folder / "mem").mkdir(exist_ok=True)
    (folder / f"{top_name}.v").write_text(text, encoding="ascii")
    widths = tree_widths(cells.values())
    bodies = {"xc7": widths.text(short_weights(cells, top_name)), "asic": widths.adders()} if widths else {}
    sources = library_sources({cell.module for cell in cells.values()} | PORT_CELLS | library_cells("".join(bodies.values())))
    for name, source in sources.items():
        (folder / "rtl" / f"{name}.sv").write_text(source, encoding="utf-8")
    for target, trees in bodies.items():
        (folder / target).mkdir(exist_ok=True)
        (folder / target / f"{top_name}_trees.sv").write_text(trees, encoding="ascii")
    for node, cell in cells.items():
        _write_memories(folder, top_name, node, cell)
    check_netlist(folder / f"{top_name}.v", [folder / "rtl" / f"{name}.sv" for name in sources], top_name)


def library_sources(modules: set[str]) -> dict[str, str]:
    """Text of the named cells and of every cell they instantiate, by name in sorted order."""
    sources: dict[str, str] = {}
    waiting = sorted(modules)
    while waiting:
        name = waiting.pop()
        path = LIBRARY / f"{name}.sv"
        assert path.is_file(), f"the cell library has no {name}.sv"
        sources[name] = path.read_text(encoding="utf-8")
        waiting += sorted(n for n in library_cells(sources[name]) if n not in sources)
    return dict(sorted(sources.items()))


def library_cells(text: str) -> set[str]:
    """The cells of the library that a text names."""
    return {name for name in _CELL_NAME.findall(text) if (LIBRARY / f"{name}.sv").is_file()}


def for_xc7(text: str) -> str:
    """A cell's file that says by itself that it is for the 7 series."""
    return f"{XC7_HEAD}{text}" if _USES_XC7 in text else text


def tree_widths(cells: Iterable[Cell]) -> TreeWidths:
    """The popcounts for xc7 that cells use."""
    products = [cell.parameters for cell in cells if cell.module == "xf_matvec_xnor"]
    unrolled, folded = (
        frozenset(p["Simd"] for p in products if ((p["Simd"], p["Pe"]) == (p["Mw"], p["Mh"])) is constant) for constant in (True, False)
    )
    return TreeWidths(unrolled, folded)


def short_weights(cells: Mapping[str, Cell], top: str) -> dict[str, Memory]:
    """The weight memories of binary products that are one constant word, or that LUTs of two columns hold, by their files."""
    weights = {node: cell.memories["WeightFile"] for node, cell in cells.items() if cell.module == "xf_matvec_xnor"}
    return {names.memory_file(top, node, "WeightFile"): memory for node, memory in weights.items() if len(memory.words) <= PAIR_WORDS}


def _write_memories(folder: Path, top: str, node: str, cell: Cell) -> None:
    for parameter, memory in cell.memories.items():
        (folder / names.memory_file(top, node, parameter)).write_text(memory_text(memory), encoding="ascii")


def memory_text(memory: Memory) -> str:
    """A ``$readmemh`` image: one word a line, highest digit first."""
    words = memory.words
    depth, width = words.shape
    padded = np.zeros((depth, (width + 7) // 8 * 8), dtype=np.uint8)
    padded[:, :width] = words
    digits = (width + 3) // 4
    rows = np.packbits(padded, axis=1, bitorder="little")[:, ::-1]
    return "".join(row.tobytes().hex()[-digits:] + "\n" for row in rows)
