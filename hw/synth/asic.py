"""Synthesis to standard cells with Yosys: area, flip-flops and logic depth of a build. Nothing is placed, no wire has a delay: no sign-off."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from xnorflow.errors import BadInputError
from xnorflow.hw.build import TOP
from xnorflow.hw.synth.library import FILE, CellLibrary, open_library
from xnorflow.hw.synth.mapped import cells_of, counts_of, depth_of
from xnorflow.hw.synth.yosys import run_script

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from xnorflow.hw.build import Build

# Area before delay: of the mappers that ABC has, `amap` gives the smallest netlists (docs/lean-cells.md has both).
AREA_FIRST = b"strash\ndch\namap\ntopo\n"
_SCRIPT, _ADDER = "area.abc", "full_adder.v"


@dataclass(frozen=True)
class AsicSynthesis:
    """What Yosys made of a build in the cells of a library.

    Attributes:
        library: name of the Liberty file.
        unit: what an area of 1 is.
        area: of all cells.
        storage_area: that of flip-flops among it.
        flip_flops: how many.
        depth: most combinational cells on a path between ports and flip-flops.
        cells: how many of each type.
    """

    library: str
    unit: str
    area: float
    storage_area: float
    flip_flops: int
    depth: int
    cells: Mapping[str, int]

    def to_json(self) -> dict[str, Any]:
        """The figures, and what they are."""
        return {
            "target": "asic",
            "what": "Yosys, unplaced, without wires: no sign-off",
            "library": self.library,
            "unit": self.unit,
            "area": self.area,
            "storage_area": self.storage_area,
            "flip_flops": self.flip_flops,
            "depth": self.depth,
            "cells": dict(self.cells),
        }


def synthesise_asic(build: Build, liberty: Path | None = None, *, timeout: float | None = None) -> AsicSynthesis:
    """Synthesise a build to standard cells; its memories become gates and flip-flops.

    Args:
        build: an opened build folder.
        liberty: the library's file; None for gate equivalents.
        timeout: seconds after which to give up; None for never.

    Raises:
        MissingToolError: Yosys is not installed.
        BadInputError: the library cannot be used, or the build folder cannot be written (Yosys needs a scratch folder in it).
        CheckFailedError: Yosys does not accept the build, or the time is over.
    """
    library = open_library(liberty, build.folder)
    made = mapped_by_yosys(build.folder, TOP, library, lambda scratch: [f"write_json {scratch}/made"], timeout)
    return asic_figures(made, TOP, library)


def asic_figures(netlist: str, top: str, library: CellLibrary) -> AsicSynthesis:
    """Count a mapped netlist, Yosys' JSON.

    Raises:
        BadInputError: it holds a cell for which the library has none, or one of no stated area.
    """
    cells = cells_of(netlist, top)
    counts = counts_of(cells)
    areas: dict[str, float] = {}
    for name in counts:
        known = library.cells.get(name)
        if known is None:
            raise BadInputError(f"Liberty file {library.name} has no cell for Yosys' {name}")
        if known.area is None:
            raise BadInputError(f"Liberty file {library.name}: {name} has no area")
        areas[name] = known.area
    storage = [name for name in counts if library.cells[name].storage]
    return AsicSynthesis(
        library=library.name,
        unit=library.unit,
        area=sum(areas[name] * count for name, count in counts.items()),
        storage_area=sum(areas[name] * counts[name] for name in storage),
        flip_flops=sum(counts[name] for name in storage),
        depth=depth_of(cells, library),
        cells=counts,
    )


def mapped_by_yosys(
    folder: Path,
    top: str,
    library: CellLibrary,
    then: Callable[[str], Iterable[str]],
    timeout: float | None = None,
    *,
    mapping: bytes | None = AREA_FIRST,
) -> str:
    """Map ``<top>.v`` of a folder to a library's cells by ABC's commands ``mapping`` (None: those that Yosys gives it).

    The file ``made`` that further commands write is read. Other arguments and errors are those of :func:`xnorflow.hw.synth.yosys.run_script`.
    """
    adder = library.full_adder
    files = {FILE: library.text, _SCRIPT: mapping or b"", _ADDER: b"" if adder is None else adder.module().encode()}
    defines = "" if adder is None else "-D XF_FULL_ADDER "
    return run_script(
        folder, top, lambda scratch: [*_commands(folder, top, scratch, defines, own=mapping is not None), *then(scratch)], timeout, files=files
    )


def _commands(folder: Path, top: str, scratch: str, defines: str, *, own: bool) -> list[str]:
    """Memories keep a hierarchy of their own until they are mapped, as on xc7."""
    trees = sorted((folder / "asic").glob(f"{top}_trees.sv"))
    cells = " ".join(path.relative_to(folder).as_posix() for path in [*sorted((folder / "rtl").glob("*.sv")), *trees])
    defines += "-D XF_ASIC " if trees else ""
    liberty = f"-liberty {scratch}/{FILE}"
    return [
        f"read_liberty -lib {scratch}/{FILE}",
        f"read_verilog {scratch}/{_ADDER}",
        f"read_verilog -sv -defer {defines}{cells}",
        f"read_verilog {top}.v",
        f"synth -flatten -noabc -top {top}",
        f"dfflibmap {liberty}",
        f"abc {liberty}{f' -script {scratch}/{_SCRIPT}' if own else ''}",
        "setattr -mod -unset keep_hierarchy *",
        "flatten",
        "opt_clean -purge",
    ]
