"""The CPU runtime: the dataflow graph on packed bits and native kernels, equal to the interpreter stream by stream."""

from __future__ import annotations

from xnorflow.sim.cpu.runtime import CpuRuntime

__all__ = ["CpuRuntime"]
