"""The two ends of the bench: AXI4-Stream source and sink with seeded pauses."""

from __future__ import annotations

from itertools import repeat
from typing import TYPE_CHECKING, Any

from cocotbext.axi import AxiStreamBus, AxiStreamSink, AxiStreamSource

from xnorflow.sim.bench.patterns import PATTERNS, Pauses

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xnorflow.sim.packing import ByteArray


class Ends:
    """A source on ``s_axis`` and a sink on ``m_axis``.

    Args:
        dut: the top.
        stalls: pause both at random; each phase draws from the next pattern of :data:`PATTERNS`.
        seed: of the pauses.
    """

    def __init__(self, dut: Any, *, stalls: bool, seed: int) -> None:
        self._stalls, self._seed, self._phase = stalls, seed, 0
        self.source = AxiStreamSource(AxiStreamBus.from_prefix(dut, "s_axis"), dut.ap_clk, dut.ap_rst_n, reset_active_level=False)
        self.sink = AxiStreamSink(AxiStreamBus.from_prefix(dut, "m_axis"), dut.ap_clk, dut.ap_rst_n, reset_active_level=False)

    def next_phase(self) -> None:
        """Take the next pattern of gaps and stalls."""
        pattern = PATTERNS[self._phase % len(PATTERNS)]
        text = f"{self._seed} {self._phase} {pattern.name}"
        self._phase += 1
        self.source.set_pause_generator(self._pauses(pattern.gap, pattern.burst, f"source {text}"))
        self.sink.set_pause_generator(self._pauses(pattern.stall, pattern.burst, f"sink {text}"))

    def _pauses(self, probability: float, burst: int, seed: str) -> Iterator[bool]:
        if not self._stalls:
            return repeat(False)
        pauses = Pauses(probability, burst, seed)
        return iter(pauses.next, None)

    def send(self, frames: ByteArray) -> None:
        """Queue frames, back to back."""
        for frame in frames:
            self.source.send_nowait(frame.tobytes())

    async def receive(self) -> bytes:
        """The next frame, up to TLAST."""
        frame = await self.sink.recv(compact=False)
        return bytes(frame.tdata)

    def forget(self) -> None:
        """Drop what is queued on both sides, as a reset does to the top."""
        self.source.clear()
        self.sink.clear()
