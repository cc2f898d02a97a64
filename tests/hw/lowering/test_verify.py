"""A pass that changes what the network computes is caught, and the message names it and the first node."""

from dataclasses import replace

import numpy as np
import pytest

from xnorflow.errors import CheckFailedError
from xnorflow.hw.chain import FloatChain, FloatStep, StepKind
from xnorflow.hw.lowering import QonnxLink, lower
from xnorflow.hw.lowering.passes import PASSES, Pass
from xnorflow.hw.nodes import Threshold
from xnorflow.hw.nodes.mat_vec import MatVec
from xnorflow.hw.serialise import graph_to_json


@pytest.fixture
def model(net, rng):
    n = net((1, 4, 4))
    x = n.node(
        "Conv", n.sign(n.node("Sub", "image", n.const(0.5))), n.weights(rng, (3, 1, 3, 3)), pads=[1, 1, 1, 1], kernel_shape=[3, 3], name="conv1"
    )
    x = n.node("Flatten", n.sign(n.node("Sub", x, n.const(0.5)), name="act1"))
    n.node("MatMul", x, n.node("Transpose", n.weights(rng, (2, 48))), name="fc")
    return n.model()


def lowered_with(monkeypatch, model, change, kind):
    def broken(graph):
        return graph.with_nodes(change(n) if isinstance(n, kind) else n for n in graph.nodes)

    monkeypatch.setattr("xnorflow.hw.lowering.pipeline.PASSES", (*PASSES, Pass("break_it", broken, "to see it caught")))
    return lower(model)


def test_a_shifted_threshold_is_caught(monkeypatch, model):
    with pytest.raises(
        CheckFailedError, match=r"pass break_it: node \w+ \(the file's '\w+'\) differs from the QONNX execution at image 0, position \("
    ) as caught:
        lowered_with(monkeypatch, model, lambda n: replace(n, thresholds=n.thresholds + 2), Threshold)
    assert caught.value.exit_code == 1


def test_one_wrong_weight_is_caught(monkeypatch, model):
    def flip(node):
        weights = node.weights.copy()
        weights[0, 4] *= -1
        return replace(node, weights=weights)

    with pytest.raises(CheckFailedError, match=r"pass break_it: node act1"):
        lowered_with(monkeypatch, model, flip, MatVec)


def test_a_missing_border_correction_is_caught(monkeypatch, model):
    with pytest.raises(CheckFailedError, match="break_it"):
        lowered_with(monkeypatch, model, lambda n: replace(n, border=None), MatVec)


def test_each_pass_reports_and_has_a_reason(model):
    lines = []
    lowered = lower(model, progress=lines.append)
    assert len(lines) == 1 + len(PASSES)
    assert lowered.passes == tuple(p.name for p in PASSES)
    assert len(set(lowered.passes)) == len(PASSES)
    assert all(len(p.reason) > 20 for p in PASSES)


def test_no_hardware_negates_a_channel_that_a_layer_feeds_directly(net, rng):
    n = net((1, 2, 8))
    x = n.node("MatMul", n.node("Flatten", n.sign(n.node("Sub", "image", n.const(0.5)))), n.node("Transpose", n.weights(rng, (6, 16))))
    x = n.sign(n.node("Add", n.node("Mul", x, n.const([-1.0, 2.0, -0.5, 1.0, -3.0, 1.0])), n.const(rng.normal(size=6))))
    n.node("MatMul", x, n.node("Transpose", n.weights(rng, (2, 6))))
    graph = lower(n.model()).graph
    assert not any(np.any(node.negate) for node in graph.nodes if isinstance(node, Threshold))


def test_the_link_of_an_exact_file_is_equality(model, rng):
    lowered = lower(model)
    link = QonnxLink(model, lowered.graph, lowered.tail, lowered.pixel_norm)
    assert link.exact
    assert link.check(rng.integers(0, 256, (50, 4, 4, 1)), batch=16) == 0


def test_the_link_names_the_image_that_differs(model, rng):
    lowered = lower(model)
    shifted = FloatChain((*lowered.tail.steps, FloatStep.of(StepKind.ADD, [0.0, 1e-3])))
    with pytest.raises(CheckFailedError, match=r"the graph's output differs from the QONNX execution at image 0, output 1: "):
        QonnxLink(model, lowered.graph, shifted, lowered.pixel_norm).check(rng.integers(0, 256, (5, 4, 4, 1)))


def test_the_link_checks_labels_too(model, rng):
    lowered = lower(model, head="argmax")
    assert QonnxLink(model, lowered.graph, lowered.tail, lowered.pixel_norm).check(rng.integers(0, 256, (50, 4, 4, 1))) == 0


def test_scales_that_are_no_powers_of_two_are_checked_against_a_bound(net, rng):
    n = net((1, 4, 4))
    x = n.node("MatMul", n.node("Flatten", n.quant("image", 0.01, 8, signed=0)), n.node("Transpose", n.weights(rng, (5, 16), 0.3)))
    x = n.quant(n.node("Relu", x), 0.7, 2, signed=0)
    n.node("Gemm", x, n.weights(rng, (3, 5), 0.9), n.const([0.1, 0.2, 0.3]), transB=1)
    lowered = lower(n.model())
    assert not lowered.notes["float_exact"]
    pixels = rng.integers(0, 256, (100, 4, 4, 1))
    link = QonnxLink(n.model(), lowered.graph, lowered.tail, lowered.pixel_norm)
    link.check(pixels)
    off = FloatChain((*lowered.tail.steps, FloatStep.of(StepKind.ADD, 1e-5)))
    with pytest.raises(CheckFailedError, match="the graph's output differs"):
        QonnxLink(n.model(), lowered.graph, off, lowered.pixel_norm).check(pixels)


def test_large_networks_take_the_probes_one_by_one_and_become_the_same_graph(monkeypatch, model):
    together = lower(model)
    monkeypatch.setattr("xnorflow.hw.lowering.pipeline._LARGE", 0)
    lines: list[str] = []
    apart = lower(model, progress=lines.append)
    assert graph_to_json(apart.graph) == graph_to_json(together.graph)
    assert apart.notes == together.notes
    assert lines[-1] == "all passes: equal the QONNX execution on probe 8 of 8"


def test_a_fault_that_only_a_later_probe_shows_is_caught_and_names_it(monkeypatch, model):
    """The threshold of the pixels is one too high, and only the last probe has pixels of 128."""
    monkeypatch.setattr("xnorflow.hw.lowering.pipeline._LARGE", 0)
    probes = np.full((6, 4, 4, 1), 7)
    probes[5] = 128
    monkeypatch.setattr("xnorflow.hw.lowering.pipeline.probe_images", lambda shape, count: probes)
    with pytest.raises(CheckFailedError, match=r"pass break_it: .* at image 5, position"):
        lowered_with(monkeypatch, model, lambda n: replace(n, thresholds=np.where(n.thresholds == 128, 129, n.thresholds)), Threshold)
