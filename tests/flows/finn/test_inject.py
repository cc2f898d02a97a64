"""Our XNOR cells in the place of FINN's HLS ones, in a model that FINN made, and as a step of a FINN user's own build."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest

from xnorflow.hw.random_writer import Writer

pytestmark = pytest.mark.skipif(importlib.util.find_spec("finn") is None, reason="finn-plus is not installed")

# In a process of its own, as FINN is everywhere here. Each model is FINN's abstract MVAU, whose Python execution is the wanted result.
SCRIPT = """
import json, sys
from pathlib import Path
import numpy as np
from xnorflow.flows.finn import shim
shim.install(Path(sys.argv[1]))
from finn.transformation.fpgadataflow.prepare_ip import PrepareIP
from finn.transformation.fpgadataflow.specialize_layers import SpecializeLayers
from onnx import TensorProto, helper
from qonnx.core.datatype import DataType
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx
from qonnx.util.basic import qonnx_make_model
from xnorflow.flows.finn.inject import step_xnor_operators

rng = np.random.default_rng(3)
MW, MH = 12, 6

def mvau(vectors, kind, out, thresholds):
    shape = lambda c: [1, *vectors[1:], c]
    inputs = ["x", "w"] + (["t"] if thresholds is not None else [])
    node = helper.make_node("MVAU", inputs, ["y"], name="MVAU_0", domain="finn.custom_op.fpgadataflow", backend="fpgadataflow", MW=MW, MH=MH,
        SIMD=4, PE=3, inputDataType=kind, weightDataType=kind, outputDataType=out, binaryXnorMode=int(kind == "BINARY"),
        noActivation=int(thresholds is None), numInputVectors=vectors, ActVal=0)
    values = lambda name, c: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape(c))
    model = ModelWrapper(qonnx_make_model(helper.make_graph([node], "m", [values("x", MW)], [values("y", MH)])))
    low = -1 if kind == "BIPOLAR" else 0
    model.set_initializer("w", rng.choice([low, 1], (MW, MH)).astype(np.float32))
    if thresholds is not None:
        model.set_initializer("t", thresholds.astype(np.float32))
    for name, dtype in (("x", kind), ("w", kind), ("y", out)):
        model.set_tensor_datatype(name, DataType[dtype])
    return model, [rng.choice([low, 1], shape(MW)).astype(np.float32) for _ in range(5)]

rows = np.sort(rng.integers(0, MW + 2, (MH, 3)), axis=1)
for vectors, kind, out, thresholds in (
    ([1], "BINARY", "BIPOLAR", rows[:, 1:2]), ([1, 2, 3], "BINARY", "BINARY", rows[:, 1:2] - 0.5), ([1, 2, 3], "BIPOLAR", "UINT2", rows),
    ([1], "BINARY", "UINT4", None), ([1, 3, 1], "BIPOLAR", "INT8", None), ([1], "BINARY", "BIPOLAR", np.array([[MW // 2]])),
):
    model, images = mvau(vectors, kind, out, thresholds)
    wanted = [execute_onnx(model, {"x": x})["y"] for x in images]
    model = step_xnor_operators(model.transform(SpecializeLayers("xc7z020clg400-1")), None)
    equal = all(np.array_equal(execute_onnx(model, {"x": x})["y"], y) for x, y in zip(images, wanted, strict=True))
    model = model.transform(PrepareIP("xc7z020clg400-1", 10.0))
    print(json.dumps([[n.op_type for n in model.graph.node], equal, len(np.unique(wanted))]))
"""


def test_finns_binary_operators_are_replaced_and_compute_the_same(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT, str(tmp_path / "scratch")], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("[[")]
    after = ["XfThreshold_rtl"] * 3 + ["XfAffine_rtl"] * 2 + ["XfThreshold_rtl"]
    assert [row[0] for row in rows] == [["XfXnorMatVec_rtl", name] for name in after]
    assert all(row[1] for row in rows)
    assert all(row[2] > 1 for row in rows), "a constant would prove nothing"
    assert len(list((tmp_path / "scratch").glob("code_gen_ipgen_*/*.v"))) == 2 * len(rows)


# What a FINN user writes, with FINN's own steps and no other of ours than the injected one.
WHOLE_BUILD = """
import json, sys
from pathlib import Path
import numpy as np
from xnorflow.flows.finn import shim
folder = Path(sys.argv[1])
shim.install(folder / "scratch")
import finn.builder.build_dataflow as build
from finn.builder.build_dataflow_config import DataflowBuildConfig, DataflowOutputType, estimate_only_dataflow_steps
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx
from qonnx.transformation.infer_shapes import InferShapes

given = folder / "net.onnx"
cfg = DataflowBuildConfig(
    output_dir=str(folder / "build"), synth_clk_period_ns=10.0, board="Pynq-Z1", fpga_part="xc7z020clg400-1", target_fps=1000000,
    steps=[*estimate_only_dataflow_steps, "step_hw_codegen"], generate_outputs=[DataflowOutputType.ESTIMATE_REPORTS], verbose=False,
    inject_steps_after={"step_apply_folding_config": ["xnorflow.flows.finn.inject.step_xnor_operators"]})
assert build.build_dataflow_cfg(str(given), cfg) == 0
models = folder / "build" / "intermediate_models"
wanted, built = ModelWrapper(str(given)).transform(InferShapes()), ModelWrapper(str(models / "step_hw_codegen.onnx"))
for node in (n for n in built.graph.node if not n.op_type.startswith("Xf")):
    node.op_type, node.domain = node.op_type.rpartition("_")[0], "finn.custom_op.fpgadataflow"  # FINN's own, in Python
run = lambda model, x: execute_onnx(model, {model.graph.input[0].name: x})[model.graph.output[0].name].reshape(-1)
images = np.random.default_rng(5).integers(0, 2, (20, *wanted.get_tensor_shape(wanted.graph.input[0].name))).astype(np.float32)
pairs = [(run(wanted, x), run(built, x.reshape(built.get_tensor_shape(built.graph.input[0].name)))) for x in images]
report = json.loads((folder / "build" / "report" / "estimate_layer_cycles.json").read_text())
print(json.dumps({"types": [n.op_type for n in built.graph.node], "equal": all(np.array_equal(a, b) for a, b in pairs),
    "distinct": len({tuple(a) for a, _ in pairs}), "cycles": report}), file=sys.__stdout__)
"""


def binary_mlp(path: Path) -> None:
    """Three binary layers between one-bit pixels and integer sums, as Brevitas exports them."""
    w = Writer(np.random.default_rng(11), exact=True)
    w.input_shape = w.shape = (16,)
    w.tensor = w.add("Sub", w.const(0.5))
    w.tensor = w.add("BipolarQuant", w.const(1.0))
    for mw, mh in ((16, 12), (12, 8)):
        w.tensor = w.add("MatMul", w.add("BipolarQuant", w.const(1.0), source=w.const(w.rng.normal(size=(mw, mh)))))
        w.tensor = w.add("Mul", w.const(w.rng.normal(size=(1, mh))))
        w.tensor = w.add("Add", w.const(w.rng.normal(size=(1, mh))))
        w.tensor = w.add("BipolarQuant", w.const(1.0))
    w.tensor = w.add("MatMul", w.add("BipolarQuant", w.const(1.0), source=w.const(w.rng.normal(size=(8, 5)))))
    w.shape = (5,)
    onnx.save(w.model(), path)


def test_a_users_own_build_runs_with_the_step_and_computes_the_same(tmp_path: Path) -> None:
    binary_mlp(tmp_path / "net.onnx")
    done = subprocess.run([sys.executable, "-c", WHOLE_BUILD, str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert [name for name in found["types"] if name.startswith("Xf")] == ["XfXnorMatVec_rtl", "XfThreshold_rtl"] * 2 + [
        "XfXnorMatVec_rtl",
        "XfAffine_rtl",
    ]
    assert "MVAU_hls" not in found["types"]
    assert found["equal"]
    assert found["distinct"] > 1, "a constant would prove nothing"
    assert set(found["cycles"]) >= {f"MVAU_hls_{i}_XfXnorMatVec_rtl" for i in range(3)}, "reports tell which operator of FINN's it was"
