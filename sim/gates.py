"""The gates of a build, synthesised once for each state of its folder, for the engine that simulates its RTL."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from xnorflow.files import replacing
from xnorflow.hw.build import TOP
from xnorflow.hw.synth.gates import cell_netlist, gate_netlist

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_PARTS = {"rtl": "*.sv", "xc7": "*.sv", "asic": "*.sv", "mem": "*.mem"}


def gates_folder(build: Path, *, liberty: Path | None = None, progress: Callable[[str], None] | None = None) -> Path:
    """Where ``top.v`` of the netlist is: ``BUILD/sim/gates-HASH``, made by Yosys if it is not there; for xc7, or in the cells of a library.

    Raises:
        MissingToolError, BadInputError, CheckFailedError: as :func:`xnorflow.hw.synth.gates.gate_netlist` and ``cell_netlist``.
    """
    folder = build / "sim" / f"gates-{_key(build, liberty)}"
    if not (folder / f"{TOP}.v").is_file():
        if progress is not None:
            progress(f"Yosys synthesises for {'xc7' if liberty is None else liberty}; large networks take minutes")
        text = gate_netlist(build, TOP) if liberty is None else cell_netlist(build, TOP, liberty)
        folder.mkdir(parents=True, exist_ok=True)
        with replacing(folder / f"{TOP}.v") as file:
            file.write(text.encode())
    return folder


def _key(build: Path, liberty: Path | None) -> str:
    """Hash of all that Yosys reads; a library that cannot be read is refused later."""
    digest = hashlib.sha256()
    files = [path for part, pattern in _PARTS.items() for path in sorted((build / part).glob(pattern))]
    for path in [*files, build / f"{TOP}.v"]:
        digest.update(path.relative_to(build).as_posix().encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    if liberty is not None and liberty.is_file():
        digest.update(liberty.read_bytes())
    return digest.hexdigest()[:16]
