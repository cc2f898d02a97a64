"""finn-plus-driver itself, where it is installed, on a stand-in for `pynq` whose FINN DMAs are the simulated network.

The package wants an older numpy than this project; `pip install --no-deps --target DIR finn-plus-driver==1.6.1` and DIR on PYTHONPATH
are enough for this test.
"""

from __future__ import annotations

import json
import sys
from types import ModuleType

import numpy as np
import pytest

from xnorflow.flows.board.finn_settings import finn_settings
from xnorflow.sim.accelerator import Accelerator

pytest.importorskip("finn_plus_driver", reason="needs finn-plus-driver, whose numpy is older than ours")
IDLE_DONE = 0x6


def stand_in(hardware) -> dict[str, ModuleType]:
    """`pynq` with a bitstream of one input and one output IODMA; the hardware starts when both have been."""
    memory: dict[int, np.ndarray] = {}

    class Buffer(np.ndarray):
        device_address = 0

        def flush(self) -> None: ...
        def invalidate(self) -> None: ...

    def allocate(shape, dtype, cacheable=True, target=None):
        buffer = np.full(shape, 0xA5, dtype=dtype).view(Buffer)
        buffer.device_address = (len(memory) + 1) << 33
        memory[buffer.device_address] = buffer
        return buffer

    class Dma:
        def __init__(self) -> None:
            self.registers = {0x00: IDLE_DONE}

        def read(self, offset: int) -> int:
            return self.registers[offset]

        def write(self, offset: int, value: int) -> None:
            self.registers[offset] = value
            if offset == 0:
                self.registers[0] = IDLE_DONE
                if self is Overlay.made.idma0:
                    Overlay.made.run()

        @property
        def buffer(self) -> np.ndarray:
            return memory[self.registers[0x10] | self.registers[0x14] << 32]

    class Overlay:
        def __init__(self, bitfile: str, download: bool = True, device=None) -> None:
            Overlay.made = self
            self.idma0, self.odma0, self.ip_dict, self.device = Dma(), Dma(), {"idma0": {}, "odma0": {}}, device

        def run(self) -> None:
            sent, made = self.idma0.buffer, self.odma0.buffer
            assert self.idma0.registers[0x1C] == self.odma0.registers[0x1C] == len(sent) == len(made)
            made[...] = hardware(np.array(sent).reshape(-1), made.size).reshape(made.shape)

    pynq, system = ModuleType("pynq"), ModuleType("pynq.ps")
    pynq.Overlay, pynq.allocate, pynq.Bitstream = Overlay, allocate, object
    system.Clocks = type("Clocks", (), {"fclk0_mhz": 0.0})
    return {"pynq": pynq, "pynq.ps": system}


@pytest.mark.verilator
def test_the_true_driver_gives_the_interpreters_logits(build, images, fabric, tmp_path, monkeypatch) -> None:
    for name, module in stand_in(fabric).items():
        monkeypatch.setitem(sys.modules, name, module)
    for name in ("bitfile", "driver"):
        (tmp_path / name).mkdir()
    (tmp_path / "bitfile" / "finn-accel.bit").write_text("made by Vivado")
    (tmp_path / "driver" / "settings.json").write_text(json.dumps(finn_settings(build, 100.0)))
    logits = Accelerator.open(tmp_path, "pynq").infer(images)
    np.testing.assert_array_equal(logits, Accelerator.open(build, "reference").infer(images))
    assert len(fabric.calls) == 1
