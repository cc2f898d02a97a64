"""A small writer of ONNX graphs, and the comparison every lowering test ends with."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from xnorflow.hw.interpreter import execute
from xnorflow.hw.lowering import qonnx_execute
from xnorflow.pixels import PixelNorm

QONNX = "qonnx.custom_op.general"


class Net:
    """Writes nodes one after another; each method returns the name of what it made."""

    def __init__(self, shape=(1, 4, 4), opset=13, norm=None):
        self.shape, self.opset, self.norm = shape, opset, norm or PixelNorm(PixelNorm().scale * 255 / 256)
        self.nodes, self.constants, self.inputs, self.last = [], [], [], "image"
        self.domain = QONNX

    def const(self, values, dtype=np.float32, name=None):
        name = name or f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(values, dtype=dtype), name))
        return name

    def node(self, op, *inputs, name=None, outputs=1, **attributes):
        outs = [f"t{len(self.nodes)}_{i}" for i in range(outputs)]
        domain = self.domain if op in ("Quant", "BipolarQuant", "Trunc") else ""
        self.nodes.append(helper.make_node(op, list(inputs), outs, name=f"n{len(self.nodes)}" if name is None else name, domain=domain, **attributes))
        self.last = outs[-1]
        return self.last

    def quant(self, source, scale, bits, signed=1, narrow=0, mode="ROUND", zero=0.0, **extra):
        parameters = (self.const(scale), self.const(zero), self.const(bits))
        return self.node("Quant", source, *parameters, signed=signed, narrow=narrow, rounding_mode=mode, **extra)

    def sign(self, source, scale=1.0, **extra):
        return self.node("BipolarQuant", source, self.const(scale), **extra)

    def weights(self, rng, shape, scale=1.0):
        return self.sign(self.const(rng.normal(size=shape)), scale)

    def model(self, output=None, kind=onnx.TensorProto.FLOAT, out_shape=(1, None)):
        values = helper.make_tensor_value_info
        inputs = [values("image", onnx.TensorProto.FLOAT, [1, *self.shape]), *self.inputs]
        graph = helper.make_graph(self.nodes, "net", inputs, [values(output or self.last, kind, out_shape)], self.constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset), helper.make_opsetid(QONNX, 1)], ir_version=8)
        if self.norm is not None:
            helper.set_model_props(model, {"xnorflow.pixel_norm": self.norm.to_json()})
        return model


@pytest.fixture
def net():
    return Net


@pytest.fixture
def rng():
    return np.random.default_rng(7)


@pytest.fixture
def logits():
    """(lowered, model, pixels) -> (what graph and tail compute, what the QONNX file computes)."""

    def run(lowered, model, pixels):
        (name,) = lowered.graph.outputs
        ours = lowered.tail.apply(execute(lowered.graph, {"pixels": pixels})[name])
        images = lowered.pixel_norm.apply(pixels).transpose(0, 3, 1, 2)
        return ours, qonnx_execute(model, images)

    return run


@pytest.fixture
def assert_exact(logits, rng):
    """Checks that 32 random images give the file's very logits."""

    def check(lowered, model):
        assert lowered.notes["float_exact"]
        pixels = rng.integers(0, 256, (32, *lowered.graph.inputs["pixels"].shape))
        ours, theirs = logits(lowered, model, pixels)
        assert ours.shape == theirs.shape
        assert np.array_equal(ours, theirs)

    return check
