"""Where a recorded figure comes from: command, commit, machine, date."""

from __future__ import annotations

import json
import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ("models", "qat", "hw", "sim", "flows", "kernels")


def provenance() -> dict[str, str]:
    """What every record in ``benchmarks/results`` begins with."""
    script = Path(sys.argv[0]).name
    return {
        "command": " ".join(["python", f"benchmarks/{script}", *sys.argv[1:]]),
        "commit": commit(),
        "machine": f"{processor()}, {platform.system()}, Python {platform.python_version()}",
        "date": datetime.now(UTC).date().isoformat(),
    }


def record_entry(file: Path, name: str, entry: Mapping[str, Any], public: Mapping[str, str]) -> None:
    """Replace one entry of a record of many, with public names for this machine's folders; the others stay."""
    text = json.dumps(entry)
    for place, word in {**public, str(ROOT): "."}.items():
        text = text.replace(place, word) if place else text
    entries = json.loads(file.read_text()) if file.is_file() else {}
    entries[name] = json.loads(text)
    partial = file.with_suffix(".partial")
    partial.write_text(json.dumps(entries, indent=2) + "\n")
    partial.replace(file)


def commit() -> str:
    """The commit, with a mark where tracked sources have been changed since."""
    run = ["git", "-C", str(ROOT)]
    head = subprocess.run([*run, "rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout.strip()
    status = [*run, "status", "--porcelain", "--untracked-files=no", *SOURCES]
    changed = subprocess.run(status, capture_output=True, text=True, check=True).stdout.strip()
    return head + ("+changes" if changed else "")


def processor() -> str:
    """Number and name of the processors."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{len(names)} x {names[0]}" if names else platform.processor()
