"""A residual network of integers in disguise, from PyTorch to RTL: all five links equal, and the RTL as quick as estimated."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch import nn

from xnorflow.hw.compile import compile_model
from xnorflow.hw.folding import FoldingRequest
from xnorflow.models import ModelConfig, build_config
from xnorflow.pixels import PixelNorm
from xnorflow.qat.export import qonnx_bytes
from xnorflow.qat.integerise.integerise import integerise
from xnorflow.qat.layers import QuantScheme
from xnorflow.qat.quantise import quantise
from xnorflow.sim.chain import VerifyRequest, verify

pytestmark = [pytest.mark.verilator, pytest.mark.slow]

NORM = PixelNorm(mean=(128 / 255,), std=(128 / 255,))
CONFIG = ModelConfig("bireal-20", input_shape=(1, 8, 8), num_classes=10, width=0.25, padding_value=-1)
CLOCK = 1e8


def normalised(pixels: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(NORM.apply(pixels).transpose(0, 3, 1, 2)))


def shaken(images: torch.Tensor) -> nn.Module:
    """An untrained network whose norms have factors of both signs, and statistics that follow the images."""
    torch.manual_seed(20)
    network = quantise(build_config(CONFIG), QuantScheme(weight_scale="mean"))
    for layer in (m for m in network.modules() if isinstance(m, nn.BatchNorm1d | nn.BatchNorm2d)):
        nn.init.normal_(layer.weight)
        nn.init.normal_(layer.bias, std=0.3)
        layer.momentum = 1.0
    with torch.no_grad():
        network.train()(images)
    return network.eval()


def test_a_bireal_resnet_20_is_equal_on_every_link_with_and_without_stalls(tmp_path) -> None:
    pixels = (load_digits().images[:100] * 15.9375).astype(np.uint8)[..., None]
    integers = integerise(shaken(normalised(pixels)), normalised(pixels), NORM, QuantScheme(weight_scale="mean"))
    (tmp_path / "net.onnx").write_bytes(qonnx_bytes(integers, NORM, CONFIG.input_shape))
    build = compile_model(tmp_path / "net.onnx", tmp_path / "build", folding=FoldingRequest(fps=CLOCK / 1000))

    def pytorch(images: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            return integers(normalised(images)).numpy()

    request = VerifyRequest(build=build, images=pixels, source="digits", pytorch=pytorch)
    report = verify(request)
    assert {name: (link.status, link.images) for name, link in report.links.items()} == dict.fromkeys(
        ("cpu", "qonnx", "pytorch", "rtl"), ("equal", 100)
    )
    assert (report.rtl.cycles_per_image, report.rtl.latency) == (build.estimate.interval, build.estimate.latency)
    assert build.estimate.interval <= 1000
    assert len(np.unique(pytorch(pixels), axis=0)) > 50
    assert verify(replace(request, stalls=True, seed=3, links=("rtl",))).links["rtl"].status == "equal"
