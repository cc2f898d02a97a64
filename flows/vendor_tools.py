"""Vendor programs: found on PATH before anything starts, with their versions."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass

_VERSION = re.compile(r"\bv(\d{4}\.\d+(?:\.\d+)?)\b")
_SECONDS = 120  # Vivado takes some to say its version from a network drive
HOW_TO_GET = {
    "vivado": "install AMD Vivado and put it on PATH (source .../settings64.sh)",
    "vitis_hls": "install AMD Vitis HLS and put it on PATH (source .../settings64.sh)",
}


@dataclass(frozen=True)
class Tool:
    """A program that was found.

    Attributes:
        name: how it is called.
        path: where it is.
        version: what it says of itself, such as ``2023.2``; ``unknown`` where it does not say.
    """

    name: str
    path: str
    version: str


def find_tool(name: str) -> Tool | None:
    """Look for a program on PATH and ask for its version; None where it is not there."""
    path = shutil.which(name)
    if path is None:
        return None
    try:
        said = subprocess.run([path, "-version"], capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=_SECONDS, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        said = ""
    match = _VERSION.search(said)
    return Tool(name, path, match[1] if match else "unknown")


def missing_words(names: tuple[str, ...]) -> str:
    """What a user reads where programs are missing: their names, and how to get each."""
    return "; ".join(f"{name} is not on PATH: {HOW_TO_GET.get(name, 'install it')}" for name in names)
