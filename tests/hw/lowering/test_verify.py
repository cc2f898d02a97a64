"""A pass that changes what the network computes is caught, and the message names it and the first node."""

from dataclasses import replace

import numpy as np
import pytest

from xnorflow.errors import CheckFailedError
from xnorflow.hw.lowering import lower
from xnorflow.hw.lowering.passes import PASSES, Pass
from xnorflow.hw.nodes import Threshold
from xnorflow.hw.nodes.mat_vec import MatVec


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
        CheckFailedError, match=r"pass break_it: node \w+ \(the file's '\w+'\) differs from the QONNX execution at probe image 0, position \("
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
