"""CpuRuntime: run a graph on packed bits with native kernels, batch by batch."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, cast

import numpy as np

from xnorflow import kernels
from xnorflow.errors import BadInputError
from xnorflow.sim.cpu.plan import make_plan
from xnorflow.sim.cpu.values import Integers, Value, frame_bytes, hold, wide

if TYPE_CHECKING:
    from xnorflow.hw.graph import Graph, StreamType
    from xnorflow.hw.types import IntArray

BATCH_BYTES = 64 << 20
BATCH_FRAMES = 1024


class CpuRuntime:
    """Executes a graph of one input and one output.

    Args:
        graph: the graph.
        isa: kernel table; None or ``auto`` for the fastest (see :func:`xnorflow.kernels.resolve`).
        threads: batches computed at a time; the kernels release the interpreter's lock.

    Attributes:
        isa: name of the kernel table in use.

    Raises:
        BadInputError: a node that the runtime does not know, several inputs or outputs, an unknown instruction set.
    """

    def __init__(self, graph: Graph, isa: str | None = None, threads: int = 1) -> None:
        if threads < 1:
            raise BadInputError(f"{threads} threads were asked for; 1 or more are accepted")
        if len(graph.inputs) != 1 or len(graph.outputs) != 1:
            raise BadInputError(f"the graph has {len(graph.inputs)} inputs and {len(graph.outputs)} outputs; the CPU runtime takes 1 and 1")
        self.graph, self.threads, self.isa = graph, threads, kernels.resolve(isa)
        self._plan = make_plan(graph, self.isa)
        (self._input,), (self._output,) = graph.inputs, graph.outputs
        self._uses = Counter([name for step in self._plan.steps for name in step.sources] + [self._plan.alias[self._output]])
        frame = sum(frame_bytes(graph.streams[name]) for step in self._plan.steps for name in (*step.sources, step.target))
        self._batch = min(max(BATCH_BYTES // max(frame, 1), 1), BATCH_FRAMES)

    def run(self, pixels: Integers) -> IntArray:
        """The graph's output for a batch of frames.

        Args:
            pixels: any integers ``(N, *input shape)`` within the input's type.

        Returns:
            int64 ``(N, *output shape)``.

        Raises:
            BadInputError: a wrong shape or element type, or values outside the input's type.
        """
        self._check(pixels)
        size = max(min(self._batch, -(-len(pixels) // self.threads)), 1)
        parts = [pixels[i : i + size] for i in range(0, len(pixels), size)] or [pixels]
        if self.threads == 1 or len(parts) == 1:
            return np.concatenate([self._run(part) for part in parts])
        with ThreadPoolExecutor(self.threads) as pool:
            return np.concatenate(list(pool.map(self._run, parts)))

    def run_all(self, pixels: Integers) -> dict[str, IntArray]:
        """Every stream of the graph for a batch: name -> int64 ``(N, *shape)``, all in memory at once.

        A step's last stream comes from the same call as in :meth:`run`; the streams that this call skips (windows,
        accumulators in front of a sign) are computed from its input one node at a time.
        """
        self._check(pixels)
        values = {self._input: hold(pixels, self._kind.dtype)}
        for step in self._plan.steps:
            for part in (*step.inner, step):
                values[part.target] = part.run(*(values[name] for name in part.sources))
        return {name: wide(values[holder]) for name, holder in self._plan.alias.items()}

    @property
    def _kind(self) -> StreamType:
        return self.graph.inputs[self._input]

    def _run(self, pixels: Integers) -> IntArray:
        values: dict[str, Value] = {self._input: hold(pixels, self._kind.dtype)}
        left = dict(self._uses)
        for step in self._plan.steps:
            values[step.target] = step.run(*(values[name] for name in step.sources))
            for name in step.sources:
                left[name] -= 1
                if left[name] == 0:
                    del values[name]
        return wide(values[self._plan.alias[self._output]])

    def _check(self, pixels: Integers) -> None:
        name, kind = self._input, self._kind
        if not isinstance(pixels, np.ndarray) or pixels.dtype.kind not in "iu":
            raise BadInputError(f"graph input {name!r} is {getattr(pixels, 'dtype', type(pixels).__name__)}; integers are accepted")
        if pixels.shape[1:] != kind.shape or pixels.ndim == 0:
            raise BadInputError(f"graph input {name!r} has shape {pixels.shape}; (N, {', '.join(map(str, kind.shape))}) is accepted")
        if not kind.dtype.allows(cast("IntArray", pixels)):
            raise BadInputError(f"graph input {name!r} holds values outside {kind.dtype.name}")
