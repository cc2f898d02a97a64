"""The cocotb tests of :mod:`xnorflow.sim.bench.cells`; runs inside the simulator, which passes ``+plan=FILE +seed=N``."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, ReadOnly

from xnorflow.sim.bench.patterns import FREE, PATTERNS, Pattern
from xnorflow.sim.bench.plan import CellPlan
from xnorflow.sim.bench.streams import Sink, Source

PATIENCE = 3000  # cycles without a transfer after which a cell counts as stuck


class Bench:
    """One configuration: a sequence of phases, stepped once a clock cycle.

    Attributes:
        reset: whether the configuration's reset is active in this cycle.
        active: whether phases are left.
    """

    def __init__(self, plan: CellPlan, seed: int) -> None:
        self.plan = plan
        self._seed = f"{seed} {plan.name}"
        self._random = random.Random(self._seed)
        self._phases = self._script()
        self._cycle = 0
        self._idle = 0
        self._frame = 0
        self.reset = True
        self.active = True
        self._next()

    def _script(self) -> Iterator[None]:
        """The phases in order; each sets up the two ends and yields until it is over."""
        yield from self._restart()
        yield from self._stream(FREE, self.plan.free_frames)
        self._check_timing()
        for number, pattern in enumerate(PATTERNS):
            yield from self._stream(pattern, 3)
            yield from self._cut(PATTERNS[-1 - number])
            yield from self._restart()
        yield from self._stream(FREE, 2)

    def _restart(self) -> Iterator[None]:
        self.reset = True
        self._setup(FREE, 0, "reset")
        for _ in range(self._random.randint(1, 3)):
            yield
        self.reset = False
        self._cycle = 0
        self._frame = 0

    def _stream(self, pattern: Pattern, frames: int) -> Iterator[None]:
        self._setup(pattern, frames, pattern.name)
        while not (self.source.done and self.sink.done):
            yield

    def _cut(self, pattern: Pattern) -> Iterator[None]:
        """Leave a frame, or its results, in the cell."""
        self._setup(pattern, 2, f"{pattern.name}, to be cut")
        beats = 2 * len(self.plan.frames_in[0])
        stop = self._random.randint(1, beats)
        while len(self.source.taken) < stop:
            yield

    def _setup(self, pattern: Pattern, frames: int, phase: str) -> None:
        self.phase = phase
        plan, pool = self.plan, len(self.plan.frames_in)
        chosen = [(self._frame + i) % pool for i in range(frames)]
        self._frame += frames
        seed = f"{self._seed} {phase}"
        self.source = Source(list(chain.from_iterable(plan.frames_in[i] for i in chosen)), pattern, seed)
        self.sink = Sink(list(chain.from_iterable(plan.frames_out[i] for i in chosen)), pattern, seed)

    def _check_timing(self) -> None:
        plan, outs = self.plan, len(self.plan.frames_out[0])
        interval = self.sink.made[-1] - self.sink.made[-1 - outs]
        assert interval == plan.interval, f"{plan.name}: {interval} cycles a frame, not {plan.interval}"
        for beat, (got, expected) in enumerate(zip(self.sink.made, plan.made, strict=True)):
            assert got == expected, f"{plan.name}: output beat {beat} comes in cycle {got}, not {expected}"

    def _next(self) -> None:
        self.active = next(self._phases, self) is not self
        if self.active:
            self.source.drive()
            self.sink.drive()

    def step(self, ready: bool, valid: bool, data: Any) -> None:
        """See what happens in this cycle, and choose what to drive in the next."""
        before = len(self.source.taken) + len(self.sink.made)
        if not self.reset:
            self.source.sample(ready, self._cycle)
            if valid and self.sink.ready:
                error = self.sink.sample(defined(data), self._cycle)
                assert error is None, f"{self.plan.name}, {self.phase} ({self._seed}): {error}"
        self._idle = 0 if len(self.source.taken) + len(self.sink.made) > before else self._idle + 1
        assert self._idle < PATIENCE, f"{self.plan.name}, {self.phase} ({self._seed}): no transfer for {PATIENCE} cycles"
        self._cycle += 1
        self._next()


def defined(port: Any) -> int:
    """A port's value as a number; -1, which no port has, where a bit of it is undefined."""
    value = port.value
    return int(value) if value.is_resolvable else -1


def drive(dut: Any, benches: list[Bench], inputs: list[Any]) -> None:
    """Put every configuration's choices on the ports."""
    resets = valids = readies = 0
    for index, bench in enumerate(benches):
        bit = 1 << index
        if not bench.reset:
            resets |= bit
        if bench.active and bench.source.valid:
            valids |= bit
            inputs[index].value = bench.source.data
        if bench.active and bench.sink.ready:
            readies |= bit
    dut.rst_ni.value = resets
    dut.in_valid_i.value = valids
    dut.out_ready_i.value = readies


@cocotb.test()
async def every_cell_equals_its_node(dut: Any) -> None:
    """Values under every pattern, timing without stalls, resets in mid-frame; all configurations side by side."""
    plans = CellPlan.load(Path(str(cocotb.plusargs["plan"])))
    seed = int(str(cocotb.plusargs["seed"]))
    dut._log.info("seed %d", seed)
    inputs = [getattr(dut, f"in_data_{i}") for i in range(len(plans))]
    outputs = [getattr(dut, f"out_data_{i}") for i in range(len(plans))]
    for port in (dut.rst_ni, dut.in_valid_i, dut.out_ready_i, *inputs):
        port.value = 0
    Clock(dut.clk_i, 10, unit="ns").start()
    for _ in range(3):
        await FallingEdge(dut.clk_i)
    benches = [Bench(plan, seed) for plan in plans]
    while any(bench.active for bench in benches):
        early = (defined(dut.in_ready_o), defined(dut.out_valid_o))
        drive(dut, benches, inputs)
        await ReadOnly()
        ready, valid = defined(dut.in_ready_o), defined(dut.out_valid_o)
        assert ready >= 0, "a bit of in_ready_o is undefined after reset"
        assert valid >= 0, "a bit of out_valid_o is undefined after reset"
        assert (ready, valid) == early, "in_ready_o or out_valid_o follows an input without a register between"
        for index, bench in enumerate(benches):
            if bench.active:
                bench.step(bool(ready >> index & 1), bool(valid >> index & 1), outputs[index])
        await FallingEdge(dut.clk_i)
