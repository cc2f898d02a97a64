"""Lowered random QONNX networks give the same streams on every kernel table as in the interpreter."""

from __future__ import annotations

import numpy as np
import pytest

from xnorflow import kernels
from xnorflow.hw import interpreter
from xnorflow.hw.lowering import lower
from xnorflow.hw.random_networks import draw
from xnorflow.sim.cpu import CpuRuntime


@pytest.mark.parametrize("seed", range(1000, 1060))
def test_a_random_network_runs_alike_on_every_kernel_table(seed: int) -> None:
    graph = lower(draw(seed)).graph
    pixels = np.random.default_rng(seed).integers(0, 256, (5, *graph.inputs["pixels"].shape), dtype=np.uint8)
    expected = interpreter.execute(graph, {"pixels": pixels.astype(np.int64)}, keep_all=True)
    for isa in kernels.available():
        runtime = CpuRuntime(graph, isa=isa)
        actual = runtime.run_all(pixels)
        assert [name for name in expected if not np.array_equal(actual[name], expected[name])] == []
        assert np.array_equal(runtime.run(pixels), expected[graph.outputs[0]])
