"""A small build, a Liberty file of a few cells that is written here, and Debian's library where it is installed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from xnorflow.hw.build import Build
from xnorflow.hw.chain import FloatChain
from xnorflow.hw.folding import FoldingRequest
from xnorflow.hw.plan import plan
from xnorflow.hw.write_build import write_build
from xnorflow.pixels import PixelNorm

OSU018 = Path("/usr/share/qflow/tech/osu018/osu018_stdcells.lib")


def cell(name: str, area: float, functions: dict[str, str], inputs: str = "AB", more: str = "") -> str:
    """One cell of a Liberty file."""
    pins = "".join(f"pin ({pin}) {{ direction : input; capacitance : 0.01; }}\n" for pin in inputs)
    pins += "".join(f'pin ({pin}) {{ direction : output; function : "{function}"; }}\n' for pin, function in functions.items())
    return f"cell ({name}) {{ area : {area};\n{more}{pins}}}\n"


class Liberty:
    """Writes Liberty files of the cells ``NOT``, ``ND``, ``REG`` and ``ADD3``."""

    CELLS = (
        cell("NOT", 2, {"Z": "A'"}, "A"),
        cell("ND", 3.5, {"Z": "(A B)'"}),
        cell("REG", 20, {"Q": "IQ"}, "DC", 'ff (IQ, IQN) { clocked_on : "C"; next_state : "D"; }\n'),
        cell("ADD3", 15, {"H": "(A B)+(B C)+(C A)", "L": "(A^B)^C"}, "ABC"),
    )

    def __init__(self, folder: Path) -> None:
        self.path = folder / "tiny.lib"
        self.path.write_text(self.text())

    def text(self, *more: str, without: str = "") -> str:
        """The library with more cells, without one of its own."""
        return f"library (tiny) {{\n{''.join(c for c in (*self.CELLS, *more) if not without or f'({without})' not in c)}}}\n"


@pytest.fixture
def liberty(tmp_path: Path) -> Liberty:
    return Liberty(tmp_path)


@pytest.fixture
def osu018() -> Path:
    if not OSU018.is_file():
        pytest.skip("Debian's qflow-tech-osu018 is not installed")
    return OSU018


@pytest.fixture
def write(networks, tmp_path: Path) -> Callable[[FoldingRequest], Build]:
    def written(folding: FoldingRequest) -> Build:
        graph = networks.mlp((16, 8, 4), image=(4, 4, 1))
        write_build(tmp_path / "build", plan(graph, tail=FloatChain(), pixel_norm=PixelNorm(), folding=folding))
        return Build.open(tmp_path / "build")

    return written


@pytest.fixture
def build(write) -> Build:
    return write(FoldingRequest())


@pytest.fixture
def wide(write) -> Build:
    """The same network with popcounts of 8 and 4 bits."""
    return write(FoldingRequest(layers={"fc0": {"PE": 2, "SIMD": 8}, "fc1": {"PE": 2, "SIMD": 4}}))
