"""The library cells of a FINN build: one folder for all nodes, because a project must not have two modules of a name.

Where the part is of the 7 series the cells are told so (``XF_XC7`` at the head of a file: a define of the project does not reach
every run of Vivado), and the trees of counters of all widths that the nodes have asked for stand beside them.
"""

from __future__ import annotations

import json
from pathlib import Path

from finn.util.settings import get_settings

from xnorflow.hw.cell import Cell
from xnorflow.hw.emit.folder import PORT_CELLS, TreeWidths, for_xc7, library_cells, library_sources, tree_widths

TREES = "xf_trees.sv"
_WIDTHS = "trees.json"


def library_folder() -> Path:
    """Where the cells of this FINN build are."""
    return Path(get_settings().finn_build_dir) / "xnorflow_rtl"


def write_cell(cell: Cell, part: str) -> None:
    """Write the cells that a node needs and no node before has needed.

    Args:
        cell: the node's own.
        part: AMD's name of the FPGA, such as ``xc7z020clg400-1``; the bodies of the 7 series go with parts of it.
    """
    folder = library_folder()
    folder.mkdir(exist_ok=True)
    xc7 = part.lower().startswith("xc7")
    if xc7 and tree_widths([cell]):
        _add_trees(folder, tree_widths([cell]))
    for name, text in library_sources(_modules(cell)).items():
        if not (folder / f"{name}.sv").exists():
            (folder / f"{name}.sv").write_text(for_xc7(text) if xc7 else text, encoding="utf-8")


def cell_files(cell: Cell) -> list[str]:
    """Names of the files in the library folder that hold a node's cells, after :func:`write_cell`."""
    trees = [TREES] if tree_widths([cell]) and (library_folder() / TREES).is_file() else []
    return [f"{name}.sv" for name in library_sources(_modules(cell))] + trees


def _modules(cell: Cell) -> set[str]:
    """The node's cell, those at the ports, and those of the trees."""
    trees = library_folder() / TREES
    counters = library_cells(trees.read_text(encoding="ascii")) if tree_widths([cell]) and trees.is_file() else set()
    return {cell.module} | PORT_CELLS | counters


def _add_trees(folder: Path, asked: TreeWidths) -> None:
    """Write the trees anew if a width was not there."""
    record = folder / _WIDTHS
    known = TreeWidths(*map(frozenset, json.loads(record.read_text()))) if record.is_file() else TreeWidths()
    if (known | asked) != known:
        record.write_text(json.dumps([sorted(part) for part in (known | asked).parts]))
        (folder / TREES).write_text((known | asked).text(), encoding="ascii")
