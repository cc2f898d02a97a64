"""A small network in the shell, the shell's hardware in Verilator, and a board made of it: a `pynq` whose DMA is that simulation."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest

from xnorflow.flows.board.shell import shell
from xnorflow.flows.board.simulate import SimulatedShell
from xnorflow.flows.board.wrapper import SHELL_MODULE
from xnorflow.flows.compile import compile_
from xnorflow.hw.random_networks import draw

if TYPE_CHECKING:
    from collections.abc import Callable

    from xnorflow.hw.build import Build

COLOUR_NETWORK = 4  # of the random ones: 7 x 10 pixels of three bytes a beat, logits of nine bits


@pytest.fixture(scope="session")
def build(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """A compiled network; treat it as read-only."""
    folder = tmp_path_factory.mktemp("network with blanks")
    onnx.save(draw(COLOUR_NETWORK), folder / "model.onnx")
    return compile_(folder / "model.onnx", folder / "build", fps=9e5).build


@pytest.fixture(scope="session")
def images() -> np.ndarray:
    return np.random.default_rng(5).integers(0, 256, (11, 7, 10, 3), dtype=np.uint8)


@pytest.fixture
def without_vivado(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name, **_: None if name in ("vivado", "vitis_hls") else f"/usr/bin/{name}")


@pytest.fixture(scope="session")
def simulated(build: Build, tmp_path_factory: pytest.TempPathFactory) -> SimulatedShell:
    """The shell's hardware in Verilator."""
    out = tmp_path_factory.mktemp("shell") / "out"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("shutil.which", lambda *_, **__: None)
        shell(build.folder, "Ultra96", out)
    return SimulatedShell.of(build, out / "hw" / f"{SHELL_MODULE}.v", optimise=False)


@dataclass
class Fabric:
    """What answers a DMA: the simulation, which a call gives the bytes of one transfer; it notes the sizes of all calls."""

    simulated: SimulatedShell
    calls: list[tuple[int, int]] = field(default_factory=list)

    def __call__(self, sent: np.ndarray, wanted: int) -> np.ndarray:
        self.calls.append((sent.size, wanted))
        result = self.simulated.stream(sent, wanted)
        assert result.fault is None, result.fault
        return result.outputs[0].reshape(-1)


@pytest.fixture
def fabric(simulated: SimulatedShell) -> Fabric:
    return Fabric(simulated)


class Buffer(np.ndarray):
    """Contiguous memory as PYNQ hands it out; whatever lay there before is still there."""

    freed = 0

    def freebuffer(self) -> None:
        Buffer.freed += 1


class Channel:
    """One half of an AXI DMA in simple mode, as `pynq.lib.dma` drives it."""

    def __init__(self) -> None:
        self.idle = self.error = False
        self.job: tuple[np.ndarray, int] | None = None
        self.transferred = 0
        self.complaint = ""

    def transfer(self, array: np.ndarray, start: int = 0, nbytes: int = 0) -> None:
        assert start == 0
        assert self.job is None, "DMA channel not idle"
        self.job, self.idle = (array, nbytes or array.nbytes), False

    def wait(self) -> None:
        if self.error:
            raise RuntimeError(self.complaint)
        assert self.idle
        self.job = None


def fake_pynq(board: Callable[[np.ndarray, int], np.ndarray]) -> dict[str, ModuleType]:
    """Modules `pynq` and `pynq.ps` whose DMA gives what ``board`` makes of the bytes it is sent."""
    receive, send = Channel(), Channel()

    def start(array: np.ndarray, start: int = 0, nbytes: int = 0) -> None:
        Channel.transfer(send, array, start, nbytes)
        assert receive.job is not None, "the receiver must be ready first"
        answer = board(np.array(array[: send.job[1]], dtype=np.uint8), receive.job[1])
        receive.job[0][: answer.size] = answer
        receive.transferred = answer.size
        send.idle = receive.idle = True

    send.transfer = start

    class Overlay:
        def __init__(self, bitfile: str) -> None:
            assert Path(bitfile).is_file()
            self.axi_dma_0 = SimpleNamespace(sendchannel=send, recvchannel=receive)

    def allocate(shape: tuple[int, ...], dtype: type) -> Buffer:
        return np.full(shape, 0xA5, dtype=dtype).view(Buffer)

    pynq, system = ModuleType("pynq"), ModuleType("pynq.ps")
    pynq.Overlay, pynq.allocate, pynq.channels, pynq.Buffer = Overlay, allocate, (send, receive), Buffer
    system.Clocks = type("Clocks", (), {"fclk0_mhz": 0.0})
    return {"pynq": pynq, "pynq.ps": system}


@pytest.fixture
def plug_in(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[np.ndarray, int], np.ndarray]], ModuleType]:
    """Installs the fake `pynq` around a board, and returns it."""

    def install(board: Callable[[np.ndarray, int], np.ndarray]) -> ModuleType:
        modules = fake_pynq(board)
        for name, module in modules.items():
            monkeypatch.setitem(sys.modules, name, module)
        return modules["pynq"]

    return install


@pytest.fixture
def deployed(build: Build, tmp_path: Path, without_vivado: None) -> Path:
    """A deployment folder with what Vivado would add to it."""
    shell(build.folder, "Ultra96", tmp_path / "out")
    for name in ("xnorflow.bit", "xnorflow.hwh"):
        (tmp_path / "out" / "deploy" / name).write_text("made by Vivado")
    return tmp_path / "out" / "deploy"
