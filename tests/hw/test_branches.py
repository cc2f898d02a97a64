"""Networks whose branches meet, in RTL: every link equal, and beat for beat as estimated."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from xnorflow.errors import CheckFailedError
from xnorflow.hw.fifo_sizing import insert_fifos
from xnorflow.hw.folding import FoldingRequest, fold
from xnorflow.hw.graph import Graph, StreamType
from xnorflow.hw.interpreter import execute
from xnorflow.hw.nodes import Concat, Fifo
from xnorflow.hw.serialise import graph_from_json, graph_to_json
from xnorflow.hw.types import IntType
from xnorflow.sim.chain import check_rtl
from xnorflow.sim.cpu import CpuRuntime
from xnorflow.sim.multi import NetworkBatch, NetworkCase

FOLDINGS = [
    FoldingRequest(),
    FoldingRequest(fps=1e8 / 600),
    FoldingRequest(layers={"one_conv": {"PE": 2, "SIMD": 9}, "two_conv": {"PE": 8, "SIMD": 36}, "stem": {"PE": 1, "SIMD": 3}}),
]


def pictures(graph, count, seed):
    """Random frames, each brighter than the one before, so that gates differ from frame to frame."""
    frames = np.random.default_rng(seed).integers(0, 256, (count, *graph.inputs["pixels"].shape))
    return frames * np.linspace(3, 8, count).astype(np.int64).reshape(-1, 1, 1, 1) // 8


@pytest.mark.parametrize(("kind", "folding"), [("residual", FOLDINGS[2]), ("gated", FOLDINGS[0]), ("squeezed", FOLDINGS[1])])
def test_the_cpu_runtime_equals_the_interpreter_on_every_stream(kind, folding, networks):
    graph, _ = insert_fifos(fold(getattr(networks, kind)(), folding))
    images = pictures(graph, 5, 3)
    expected = execute(graph, {"pixels": images}, keep_all=True)
    runtime = CpuRuntime(graph)
    streams = runtime.run_all(images)
    assert set(streams) == set(expected)
    assert all(np.array_equal(streams[name], expected[name]) for name in expected)
    assert np.array_equal(runtime.run(images), expected[graph.outputs[0]])


def test_signs_stand_side_by_side_on_the_cpu_too(networks):
    signs = [networks.threshold(name, "pixels", 37, 200) for name in ("one", "two")]
    both = Concat(name="both", inputs=("one_out", "two_out"), outputs=("signs",))
    graph = Graph({"pixels": StreamType((2, 3, 37), IntType(8, signed=False))}, (*signs, both, networks.matvec("mix", "signs", 74, 5)), ("mix_out",))
    images = np.random.default_rng(3).integers(0, 256, (4, 2, 3, 37))
    expected = execute(graph, {"pixels": images}, keep_all=True)
    streams = CpuRuntime(graph).run_all(images)
    assert all(np.array_equal(streams[name], expected[name]) for name in expected)


def test_the_gates_of_the_test_network_differ_from_frame_to_frame(networks):
    graph = networks.squeezed()
    assert len(np.unique(execute(graph, {"pixels": pictures(graph, 6, 4)}, keep_all=True)["g"], axis=0)) > 2


@pytest.mark.parametrize("kind", ["residual", "gated", "squeezed"])
def test_a_graph_with_branches_survives_json(kind, networks):
    graph, _ = insert_fifos(fold(getattr(networks, kind)(), FOLDINGS[1]))
    again = graph_from_json(graph_to_json(graph))
    images = pictures(graph, 2, 3)
    assert graph_to_json(again) == graph_to_json(graph)
    assert np.array_equal(execute(again, {"pixels": images})[graph.outputs[0]], execute(graph, {"pixels": images})[graph.outputs[0]])


@pytest.mark.verilator
@pytest.mark.parametrize(
    ("kind", "foldings"),
    [("residual", FOLDINGS), ("gated", FOLDINGS[:2]), ("squeezed", [FOLDINGS[1], FoldingRequest(fps=1e5)])],
    ids=["residual", "gated", "squeezed"],
)
def test_a_network_equals_the_interpreter_and_its_schedule_to_the_cycle(kind, foldings, networks, tmp_path):
    network = getattr(networks, kind)()
    images = pictures(network, 6, 4)
    outputs = execute(network, {"pixels": images})[network.outputs[0]]
    sized = [insert_fifos(fold(network, request)) for request in foldings]
    cases = [NetworkCase(f"net{i}", graph, images, i, 8 * schedule.latency) for i, (graph, schedule) in enumerate(sized)]
    batch = NetworkBatch.build(cases, tmp_path)
    for case, (_, schedule) in zip(cases, sized, strict=True):
        for stalls in (False, True):
            result = batch.simulate(case, stalls=stalls)
            check_rtl(batch.request(case, stalls=stalls), images, outputs, result)
            if not stalls:
                assert (result.cycles_per_image, result.latency) == (schedule.interval, schedule.latency)


@pytest.mark.verilator
@pytest.mark.parametrize("kind", ["residual", "squeezed"])
def test_one_beat_less_in_a_skip_stops_the_rtl_and_the_node_is_named(kind, networks, tmp_path):
    graph = getattr(networks, kind)()
    sized, schedule = insert_fifos(fold(graph, FoldingRequest()))
    (fifo,) = (node for node in sized.nodes if isinstance(node, Fifo))
    shallow = sized.with_nodes(replace(fifo, depth=fifo.depth - 1) if node is fifo else node for node in sized.nodes)
    images = pictures(graph, 2, 5)
    case = NetworkCase("shallow", shallow, images, 1, 2 * schedule.latency)
    batch = NetworkBatch.build([case], tmp_path)
    result = batch.simulate(case, stalls=False)
    with pytest.raises(CheckFailedError, match=r"the RTL is stuck: .*the RTL stops at node \w+ \(\w+\): \d+ of \d+ beats"):
        check_rtl(batch.request(case, stalls=False), images, execute(graph, {"pixels": images})[graph.outputs[0]], result)
