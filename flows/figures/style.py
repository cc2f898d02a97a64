"""What all pictures share: fonts, colours, and how a file is written."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import matplotlib
from matplotlib.figure import Figure

from xnorflow.errors import BadInputError

FORMATS = ("png", "svg")
BINARY, REAL, MUTED = "#1f5fa8", "#c8772a", "#666666"
STYLE = {
    "figure.dpi": 120,
    "font.size": 8.0,
    "axes.titlesize": 8.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#dddddd",
    "grid.linewidth": 0.5,
    "axes.axisbelow": True,
    "svg.hashsalt": "xnorflow",  # or the names in the file would be random
}
# Dates and versions would make two equal pictures different files.
WITHOUT_DATES: dict[str, dict[str, None]] = {"png": {"Software": None}, "svg": {"Date": None}}


@contextmanager
def drawing() -> Iterator[None]:
    """Our settings inside, whatever the user's own file of settings says; theirs again outside."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(STYLE)
        yield


def write_figure(figure: Figure, path: Path) -> Path:
    """Write a PNG or SVG file, by a temporary name; returns ``path``. To be called within :func:`drawing`."""
    kind = path.suffix[1:]
    content = io.BytesIO()
    figure.savefig(content, format=kind, metadata=WITHOUT_DATES[kind])
    unfinished = path.with_name(path.name + ".unfinished")
    try:
        unfinished.write_bytes(content.getvalue())
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    return path


def check_format(kind: str) -> None:
    """Refuse a format that is not one of :data:`FORMATS`.

    Raises:
        BadInputError: it is another.
    """
    if kind not in FORMATS:
        raise BadInputError(f"format {kind!r} is not known; known are {', '.join(FORMATS)}")
