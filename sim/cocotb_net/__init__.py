"""The protocol bench of a whole network: cocotb and cocotbext-axi on the generated top, on Verilator and on Icarus."""

from __future__ import annotations

from xnorflow.sim.cocotb_net.run import run_benches

__all__ = ["run_benches"]
