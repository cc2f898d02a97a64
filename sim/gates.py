"""The gates of a build, synthesised once for each state of its folder, for the engine that simulates its RTL."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from xnorflow.files import replacing
from xnorflow.hw.build import TOP
from xnorflow.hw.synth.gates import gate_netlist

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_PARTS = {"rtl": "*.sv", "xc7": "*.sv", "mem": "*.mem"}


def gates_folder(build: Path, *, progress: Callable[[str], None] | None = None) -> Path:
    """Where ``top.v`` of the synthesised netlist is: ``BUILD/sim/gates-HASH``, made by Yosys if it is not there.

    Raises:
        MissingToolError, BadInputError, CheckFailedError: as :func:`xnorflow.hw.synth.gates.gate_netlist`.
    """
    folder = build / "sim" / f"gates-{_key(build)}"
    if not (folder / f"{TOP}.v").is_file():
        if progress is not None:
            progress("Yosys synthesises for xc7; large networks take minutes")
        text = gate_netlist(build, TOP)
        folder.mkdir(parents=True, exist_ok=True)
        with replacing(folder / f"{TOP}.v") as file:
            file.write(text.encode())
    return folder


def _key(build: Path) -> str:
    """Hash of all that Yosys reads."""
    digest = hashlib.sha256()
    files = [path for part, pattern in _PARTS.items() for path in sorted((build / part).glob(pattern))]
    for path in [*files, build / f"{TOP}.v"]:
        digest.update(path.relative_to(build).as_posix().encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]
