"""Watches the two ports of the top and checks the rules of the handshake in every cycle."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cocotb.triggers import RisingEdge


@dataclass
class _Held:
    data: int
    last: int


class Monitor:
    """Counts beats on both ports; fails where a stalled output changes or nothing moves any more.

    Attributes:
        taken, made: beats since the last reset, in and out.
    """

    def __init__(self, dut: Any, patience: int, seed: int) -> None:
        self._dut, self._patience, self._seed = dut, patience, seed
        self._held: _Held | None = None
        self._idle = 0
        self.taken = self.made = 0

    async def run(self) -> None:
        """Watch until the simulation ends."""
        while True:
            await RisingEdge(self._dut.ap_clk)
            if int(self._dut.ap_rst_n.value) == 0:
                self._held, self._idle, self.taken, self.made = None, 0, 0, 0
            else:
                self._cycle()

    def _cycle(self) -> None:
        dut = self._dut
        taken = bool(int(dut.s_axis_tvalid.value) and int(dut.s_axis_tready.value))
        valid, ready = bool(int(dut.m_axis_tvalid.value)), bool(int(dut.m_axis_tready.value))
        seen = _Held(int(dut.m_axis_tdata.value), int(dut.m_axis_tlast.value)) if valid else None
        if self._held is not None:
            assert valid, self._text("m_axis_tvalid fell before the beat was taken")
            assert seen == self._held, self._text("a stalled output beat changed")
        self._held = seen if valid and not ready else None
        self.taken += taken
        self.made += valid and ready
        self._idle = 0 if taken or (valid and ready) else self._idle + 1
        assert self._idle < self._patience, self._text(f"stuck: no beat for {self._patience} cycles")

    def _text(self, what: str) -> str:
        return f"{what}, after {self.taken} beats in and {self.made} out since the reset (seed {self._seed})"
