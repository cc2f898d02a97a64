"""Where a recorded figure comes from: command, commit, machine, date."""

from __future__ import annotations

import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

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
