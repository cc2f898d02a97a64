"""Random networks: QONNX = interpreter = CPU runtime, bit for bit."""

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from xnorflow.hw.interpreter import execute
from xnorflow.hw.lowering import QonnxLink, lower, qonnx_execute
from xnorflow.hw.lowering.model_file import read_model
from xnorflow.hw.lowering.network import fold
from xnorflow.hw.random_networks import draw
from xnorflow.hw.random_residuals import draw_residual
from xnorflow.sim.cpu import CpuRuntime

SEEDS = st.integers(0, 2**32 - 1)
QUICK = settings(deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


def links(seed, model):
    lowered = lower(model)
    pixels = np.random.default_rng(seed).integers(0, 256, (16, *lowered.graph.inputs["pixels"].shape))
    (name,) = lowered.graph.outputs
    sums = execute(lowered.graph, {"pixels": pixels})[name]
    assert np.array_equal(CpuRuntime(lowered.graph).run(pixels.astype(np.uint8)), sums)
    return model, lowered, pixels, lowered.tail.apply(sums)


@settings(QUICK, max_examples=200)
@given(SEEDS)
def test_qonnx_equals_interpreter_equals_cpu_where_branches_meet(seed):
    model, lowered, pixels, logits = links(seed, draw_residual(seed))
    assert lowered.notes["float_exact"]
    assert any(len(node.inputs) > 1 for node in lowered.graph.nodes)
    assert np.array_equal(logits, qonnx_execute(model, lowered.pixel_norm.apply(pixels).transpose(0, 3, 1, 2)))


@settings(QUICK, max_examples=100)
@given(SEEDS)
def test_qonnx_equals_interpreter_equals_cpu(seed):
    model, lowered, pixels, logits = links(seed, draw(seed))
    assert lowered.notes["float_exact"]
    assert np.array_equal(logits, qonnx_execute(model, lowered.pixel_norm.apply(pixels).transpose(0, 3, 1, 2)))


@settings(QUICK, max_examples=50)
@given(SEEDS)
def test_arbitrary_scales_stay_within_the_proven_bound(seed):
    model, lowered, pixels, _ = links(seed, draw(seed, exact=False))
    link = QonnxLink(model, lowered.graph, lowered.tail, lowered.pixel_norm)
    assert not link.exact
    link.check(pixels, batch=7)


def test_all_kinds_of_node_occur():
    lowered = [lower(draw(seed)) for seed in range(40)]
    assert {n.op for one in lowered for n in one.graph.nodes} >= {"Pad", "SlidingWindow", "XnorMatVec", "IntMatVec", "Threshold", "Table", "MaxPool"}
    assert any(n.border is not None for one in lowered for n in one.graph.nodes if n.op.endswith("MatVec"))


def test_all_kinds_of_branching_node_occur():
    """Network 138 is one of the few whose shortcut averages more than one window."""
    nodes = [node for seed in (*range(40), 138) for node in lower(draw_residual(seed)).graph.nodes]
    joins = {"Add", "ChannelGate", "Concat", "Multiply"}
    assert {node.op for node in nodes} >= joins | {"MaxPool", "Table", "Affine", "GlobalSum", "SumPool", "Threshold", "XnorMatVec", "IntMatVec"}
    assert {node.pieces for node in nodes if node.op == "Affine"} == {1, 2}
    assert len({node.out_type.bits for node in nodes if node.op == "Add"}) > 4


def greatest_integer(values):
    """Of the integers that a tensor's values are on the coarsest grid that holds them all."""
    scaled = next(x for x in (np.ldexp(values, fraction) for fraction in range(-8, 64)) if np.all(x == np.rint(x)))
    return np.abs(scaled).max(initial=0)


def test_drawn_gates_and_products_execute_in_qonnx_and_are_exact_in_float32():
    """What is no sigmoid is integers below 2^24 times a power of two, so that no operation can have rounded."""
    seen = set()
    for seed in range(25):
        network = fold(read_model(draw_residual(seed, kinds=["gated", "attended", "beside"])))
        images = np.random.default_rng(seed).integers(0, 256, (4, *network.file.input_shape[1:])) / np.float32(256)
        tensors = network.run(images, keep_all=True)
        sigmoids = {node.output[0] for node in network.nodes if node.op_type == "Sigmoid"}
        for node in network.nodes:
            seen.add(node.op_type)
            if not sigmoids & {*node.output, *node.input}:
                assert greatest_integer(tensors[node.output[0]].astype(np.float64)) < 1 << 24
    assert seen >= {"Mul", "Concat", "Sigmoid", "ReduceSum", "Conv", "Quant", "BipolarQuant", "PRelu", "Pad"}


@pytest.mark.parametrize("drawn", [draw, draw_residual])
def test_a_seed_gives_the_same_network(drawn):
    assert drawn(3).SerializeToString(deterministic=True) == drawn(3).SerializeToString(deterministic=True)
    assert drawn(3) != drawn(4)
    onnx.checker.check_model(drawn(3), full_check=False)
