"""The cocotb test of a network; runs inside the simulator, which passes ``+plan=FILE +seed=N``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import RisingEdge

from xnorflow.sim.cocotb_net.checker import Checker
from xnorflow.sim.cocotb_net.drivers import Ends
from xnorflow.sim.cocotb_net.monitor import Monitor
from xnorflow.sim.cocotb_net.plan import NetPlan


async def reset(dut: Any) -> None:
    """Hold reset for four cycles."""
    dut.ap_rst_n.value = 0
    for _ in range(4):
        await RisingEdge(dut.ap_clk)
    assert int(dut.m_axis_tvalid.value) == 0, "m_axis_tvalid is high in reset"
    dut.ap_rst_n.value = 1
    await RisingEdge(dut.ap_clk)


async def stream(ends: Ends, checker: Checker, plan: NetPlan, count: int) -> None:
    """Frames 0..count-1 back to back."""
    ends.next_phase()
    ends.send(plan.frames_in[:count])
    for number in range(count):
        checker.check(number, await ends.receive())


async def interrupt(dut: Any, ends: Ends, monitor: Monitor, plan: NetPlan) -> None:
    """Begin a frame and leave it half sent."""
    ends.next_phase()
    ends.send(plan.frames_in[:1])
    stop = monitor.taken + (plan.frames_in.shape[1] + 1) // 2
    while monitor.taken < stop:
        await RisingEdge(dut.ap_clk)


@cocotb.test()
async def network_equals_the_interpreter(dut: Any) -> None:
    """Half of the frames, a reset in mid-frame, then all frames."""
    plan = NetPlan.load(Path(str(cocotb.plusargs["plan"])))
    seed = int(str(cocotb.plusargs["seed"]))
    ends, monitor, checker = Ends(dut, stalls=plan.stalls, seed=seed), Monitor(dut, plan.patience, seed), Checker(plan.frames_out, seed)
    dut.ap_rst_n.value = 0
    Clock(dut.ap_clk, 10, unit="ns").start()
    cocotb.start_soon(monitor.run())
    await reset(dut)
    await stream(ends, checker, plan, (len(plan.frames_in) + 1) // 2)
    await interrupt(dut, ends, monitor, plan)
    dut.ap_rst_n.value = 0
    ends.forget()
    await reset(dut)
    ends.forget()
    await stream(ends, checker, plan, len(plan.frames_in))
    for _ in range(64):
        await RisingEdge(dut.ap_clk)
    assert ends.sink.empty(), f"a frame came out that no input asked for (seed {seed})"
