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
        while not (all(source.done for source in self.sources) and all(sink.done for sink in self.sinks)):
            yield

    def _cut(self, pattern: Pattern) -> Iterator[None]:
        """Leave a frame, or its results, in the cell."""
        self._setup(pattern, 2, f"{pattern.name}, to be cut")
        beats = 2 * len(self.plan.frames_in[0][0])
        stop = self._random.randint(1, beats)
        while len(self.sources[0].taken) < stop:
            yield

    def _setup(self, pattern: Pattern, frames: int, phase: str) -> None:
        self.phase = phase
        plan, pool = self.plan, len(self.plan.frames_in[0])
        chosen = [(self._frame + i) % pool for i in range(frames)]
        self._frame += frames
        seed = f"{self._seed} {phase}"
        self.sources = [Source(_beats(port, chosen), pattern, f"{seed} {n}") for n, port in enumerate(plan.frames_in)]
        self.sinks = [Sink(_beats(port, chosen), pattern, f"{seed} {n}") for n, port in enumerate(plan.frames_out)]

    def _check_timing(self) -> None:
        plan, outs = self.plan, len(self.plan.frames_out[0][0])
        for sink in self.sinks:
            interval = sink.made[-1] - sink.made[-1 - outs]
            assert interval == plan.interval, f"{plan.name}: {interval} cycles a frame, not {plan.interval}"
            for beat, (got, expected) in enumerate(zip(sink.made, plan.made, strict=True)):
                assert got == expected, f"{plan.name}: output beat {beat} comes in cycle {got}, not {expected}"

    def _transfers(self) -> int:
        return sum(len(source.taken) for source in self.sources) + sum(len(sink.made) for sink in self.sinks)

    def _next(self) -> None:
        self.active = next(self._phases, self) is not self
        if self.active:
            for source in self.sources:
                source.drive()
            for sink in self.sinks:
                sink.drive()

    def step(self, ready: int, valid: int, data: list[Any]) -> None:
        """See what happens in this cycle, and choose what to drive in the next; bit i of ready and valid is port i's."""
        before = self._transfers()
        if not self.reset:
            for port, source in enumerate(self.sources):
                source.sample(bool(ready >> port & 1), self._cycle)
            for port, sink in enumerate(self.sinks):
                if valid >> port & 1 and sink.ready:
                    error = sink.sample(defined(data[port]), self._cycle)
                    assert error is None, f"{self.plan.name}, {self.phase} ({self._seed}): {error}"
        self._idle = 0 if self._transfers() > before else self._idle + 1
        assert self._idle < PATIENCE, f"{self.plan.name}, {self.phase} ({self._seed}): no transfer for {PATIENCE} cycles"
        self._cycle += 1
        self._next()


def _beats(frames: list[list[int]], chosen: list[int]) -> list[int]:
    return list(chain.from_iterable(frames[i] for i in chosen))


def defined(port: Any) -> int:
    """A port's value as a number; -1, which no port has, where a bit of it is undefined."""
    value = port.value
    return int(value) if value.is_resolvable else -1


def drive(dut: Any, benches: list[Bench], inputs: list[Any]) -> None:
    """Put every configuration's choices on the ports."""
    resets = valids = readies = first_in = first_out = 0
    for index, bench in enumerate(benches):
        resets |= int(not bench.reset) << index
        for port, source in enumerate(bench.sources, first_in):
            if bench.active and source.valid:
                valids |= 1 << port
                inputs[port].value = source.data
        for port, sink in enumerate(bench.sinks, first_out):
            readies |= int(bench.active and sink.ready) << port
        first_in, first_out = first_in + len(bench.sources), first_out + len(bench.sinks)
    dut.rst_ni.value = resets
    dut.in_valid_i.value = valids
    dut.out_ready_i.value = readies


@cocotb.test()
async def every_cell_equals_its_node(dut: Any) -> None:
    """Values under every pattern, timing without stalls, resets in mid-frame; all configurations side by side."""
    plans = CellPlan.load(Path(str(cocotb.plusargs["plan"])))
    seed = int(str(cocotb.plusargs["seed"]))
    dut._log.info("seed %d", seed)
    inputs = [getattr(dut, f"in_data_{i}") for i in range(sum(len(plan.frames_in) for plan in plans))]
    outputs = [getattr(dut, f"out_data_{i}") for i in range(sum(len(plan.frames_out) for plan in plans))]
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
        first_in = first_out = 0
        for bench in benches:
            if bench.active:
                bench.step(ready >> first_in, valid >> first_out, outputs[first_out : first_out + len(bench.sinks)])
            first_in, first_out = first_in + len(bench.sources), first_out + len(bench.sinks)
        await FallingEdge(dut.clk_i)
