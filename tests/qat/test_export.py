from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx

from xnorflow.errors import BadInputError
from xnorflow.pixels import PixelNorm
from xnorflow.qat.export import export_qonnx, write_atomically
from xnorflow.qat.freeze import freeze
from xnorflow.qat.layers import QuantScheme

NORM = PixelNorm(mean=(128 / 255,), std=(128 / 255,))
MEAN = QuantScheme(weight_scale="mean")
CASES = {
    "tfc": ("tfc", (1, 8, 8), None, {}),
    "sfc": ("sfc", (1, 8, 8), MEAN, {}),
    "lfc": ("lfc", (1, 8, 8), None, {"width": 0.25}),
    "tfc 1w2a": ("tfc", (1, 8, 8), None, {"act_bits": 2}),
    "tfc 2w2a": ("tfc", (1, 8, 8), None, {"weight_bits": 2, "act_bits": 2}),
    "tfc 8-bit input": ("tfc", (1, 8, 8), None, {"weight_bits": 3, "act_bits": 4, "input_bits": 8}),
    "cnv": ("cnv", (3, 32, 32), None, {"width": 0.125}),
    "cnv 2w2a": ("cnv", (3, 32, 32), None, {"width": 0.125, "weight_bits": 2, "act_bits": 2}),
    "cnv-small zero padding": ("cnv-small", (1, 8, 8), None, {"padding_value": 0}),
    "cnv-small +1 padding": ("cnv-small", (1, 8, 8), MEAN, {"padding_value": 1}),
    "cnv-small -1 padding": ("cnv-small", (3, 9, 11), None, {"padding_value": -1}),
    "cnv-small binary input": ("cnv-small", (1, 8, 8), None, {"padding_value": 1, "input_bits": 1}),
    "vgg-small zero padding": ("vgg-small", (1, 8, 8), MEAN, {"width": 0.125, "padding_value": 0}),
    "vgg-small -1 padding": ("vgg-small", (1, 8, 8), None, {"width": 0.125}),
    "vgg-small 3 bits": ("vgg-small", (1, 8, 8), None, {"width": 0.125, "padding_value": 1, "weight_bits": 3, "act_bits": 3}),
}


@pytest.mark.parametrize("case", CASES)
def test_qonnx_execution_equals_the_frozen_network_bit_for_bit(networks, tmp_path: Path, case: str) -> None:
    name, shape, scheme, options = CASES[case]
    frozen = freeze(networks(name, shape, scheme, seed=sum(map(ord, case)), **options))
    path = tmp_path / "net.onnx"
    export_qonnx(frozen, path, NORM, shape)
    model = ModelWrapper(str(path))
    pixels = np.random.default_rng(1).integers(0, 256, (4, shape[1], shape[2], shape[0])).astype(np.uint8)
    images = np.ascontiguousarray(NORM.apply(pixels).transpose(0, 3, 1, 2))
    expected = frozen(torch.from_numpy(images)).numpy()
    actual = np.concatenate([execute_onnx(model, {"global_in": image[None]})["global_out"] for image in images])
    assert expected.shape == (4, 10)
    assert np.array_equal(actual, expected)


def test_the_file_is_static_complete_and_carries_the_normalisation(networks, tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    export_qonnx(freeze(networks("cnv-small", (1, 8, 8))), path, NORM, (1, 8, 8))
    assert [entry.name for entry in tmp_path.iterdir()] == ["net.onnx"]
    model = onnx.load(str(path), load_external_data=False)
    assert not any(tensor.external_data for tensor in model.graph.initializer)
    assert [d.dim_value for d in model.graph.input[0].type.tensor_type.shape.dim] == [1, 1, 8, 8]
    assert {entry.key: entry.value for entry in model.metadata_props}["xnorflow.pixel_norm"] == NORM.to_json()
    assert {"BipolarQuant", "Quant"} <= {node.op_type for node in model.graph.node}
    assert "BatchNormalization" not in {node.op_type for node in model.graph.node}


def test_the_same_network_gives_the_same_file(networks, tmp_path: Path) -> None:
    contents = []
    for name in ("a.onnx", "b.onnx"):
        export_qonnx(freeze(networks("tfc", (1, 8, 8))), tmp_path / name, NORM, (1, 8, 8))
        contents.append((tmp_path / name).read_bytes())
    assert contents[0] == contents[1]


def test_a_folder_that_does_not_exist_is_refused(networks, tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"missing/net\.onnx cannot be written: No such file or directory"):
        export_qonnx(freeze(networks("tfc", (1, 8, 8))), tmp_path / "missing" / "net.onnx", NORM, (1, 8, 8))


def test_a_device_a_pipe_and_a_folder_are_not_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    for path in (tmp_path / "pipe", tmp_path / "folder"):
        before = path.stat().st_mode
        with pytest.raises(BadInputError, match="cannot be written: it is no regular file"):
            write_atomically(path, b"model")
        assert path.stat().st_mode == before
    write_atomically(tmp_path / "file", b"old")
    write_atomically(tmp_path / "file", b"new")
    assert (tmp_path / "file").read_bytes() == b"new"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "folder", "pipe"]
