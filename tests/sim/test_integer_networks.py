"""Networks of integers in disguise, from PyTorch to RTL: all five links equal, and the RTL as quick as estimated.

A ResNet-20 in a compiled model of its own, and of each family with binary convolutions a small one, all of them in one.
"""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch import nn

from xnorflow.hw.compile import compile_model
from xnorflow.hw.folding import FoldingRequest
from xnorflow.hw.interpreter import execute
from xnorflow.models import ModelConfig, build_config
from xnorflow.models.registry import lookup
from xnorflow.models.residual import ResNetPlan
from xnorflow.pixels import PixelNorm
from xnorflow.qat.export import qonnx_bytes
from xnorflow.qat.integerise.integerise import integerise
from xnorflow.qat.layers import QuantScheme
from xnorflow.qat.quantise import quantise
from xnorflow.sim.chain import VerifyRequest, check_rtl, verify
from xnorflow.sim.multi import NetworkBatch, NetworkCase

pytestmark = [pytest.mark.verilator, pytest.mark.slow]

NORM = PixelNorm(mean=(128 / 255,), std=(128 / 255,))
CONFIG = ModelConfig("bireal-20", input_shape=(1, 8, 8), num_classes=10, width=0.25, padding_value=-1)
CLOCK = 1e8
# One unit or pair of units in each of two stages, the second of which halves the image; and the scale of the binary weights.
PLAN = ResNetPlan((2, 4), (1, 1))
FAMILIES = {
    "bnn-resnet-18": "mean",
    "xnor-resnet-20": "mean",
    "bireal-18": "mean",
    "recu-34": "learned",
    "reactnet-18": "mean",
    "real-to-binary-18": "mean",
    "bnext-18": "none",
}


def digits() -> np.ndarray:
    return (load_digits().images[:100] * 15.9375).astype(np.uint8)[..., None]


def normalised(pixels: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(NORM.apply(pixels).transpose(0, 3, 1, 2)))


def shaken(network: nn.Module, images: torch.Tensor, scale: str = "mean") -> nn.Module:
    """An untrained network whose norms have factors of both signs, and statistics that follow the images."""
    network = quantise(network, QuantScheme(weight_scale=scale))
    for layer in (m for m in network.modules() if isinstance(m, nn.BatchNorm1d | nn.BatchNorm2d)):
        nn.init.normal_(layer.weight)
        nn.init.normal_(layer.bias, std=0.3)
        layer.momentum = 1.0
    with torch.no_grad():
        network.train()(images)
    return network.eval()


def test_a_bireal_resnet_20_is_equal_on_every_link_with_and_without_stalls(tmp_path) -> None:
    pixels = digits()
    torch.manual_seed(20)
    network = shaken(build_config(CONFIG), normalised(pixels))
    integers = integerise(network, normalised(pixels), NORM, QuantScheme(weight_scale="mean"))
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


def trained(network: nn.Module, scale: str) -> nn.Module:
    """The network after 100 steps on all digits but the first 100, from norms whose factors have both signs."""
    images, labels = (torch.from_numpy(array) for array in load_digits(return_X_y=True))
    images, labels = (images[100:].float() * 15.9375).floor().sub(128).div(128).view(-1, 1, 8, 8), labels[100:]
    network = shaken(network, images, scale).train()
    optimiser = torch.optim.Adam(network.parameters(), lr=2e-2)
    for batch in torch.randint(len(images), (100, 128)):
        optimiser.zero_grad()
        nn.functional.cross_entropy(network(images[batch]), labels[batch]).backward()
        optimiser.step()
    with torch.no_grad():
        network(images)
        right = (network.eval()(images).argmax(1) == labels).float().mean()
    assert right > 0.2, f"{right:.0%} of the digits are right, which is next to chance"
    return network


def made_of_integers(family: str, pixels: np.ndarray) -> nn.Module:
    """The family's architecture in the small plan, trained on other digits."""
    build = lookup(family).build
    torch.manual_seed(20)
    network = build.func(ModelConfig(family, input_shape=(1, 8, 8), num_classes=10, padding_value=-1), **(build.keywords | {"plan": PLAN}))
    scale = FAMILIES[family]
    return integerise(trained(network, scale), normalised(pixels), NORM, QuantScheme(weight_scale=scale))


@pytest.fixture(scope="module")
def families(tmp_path_factory):
    """All families compiled and folded, their RTL in one model."""
    folder, pixels, cases, made = tmp_path_factory.mktemp("families"), digits(), [], {}
    for family in FAMILIES:
        integers = made_of_integers(family, pixels)
        (folder / f"{family}.onnx").write_bytes(qonnx_bytes(integers, NORM, (1, 8, 8)))
        build = compile_model(folder / f"{family}.onnx", folder / family, folding=FoldingRequest(fps=CLOCK / 1200))
        images, estimate = pixels.astype(np.int64), build.estimate
        (source,) = build.graph.inputs
        outputs = execute(build.graph, {source: images})[build.graph.outputs[0]]
        case = NetworkCase(family.replace("-", "_"), build.graph, images, 5, 4 * (estimate.latency + estimate.interval) + 4000)
        made[family] = SimpleNamespace(integers=integers, build=build, case=case, outputs=outputs)
        cases.append(case)
    return SimpleNamespace(batch=NetworkBatch.build(cases, folder / "rtl"), made=made)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_small_network_of_each_family_is_equal_on_every_link_with_and_without_stalls(families, family: str) -> None:
    made, pixels = families.made[family], digits()
    with torch.no_grad():
        logits = made.integers(normalised(pixels)).numpy()
    assert np.array_equal(logits, made.build.tail.apply(made.outputs))
    assert len(np.unique(logits, axis=0)) > 50
    report = verify(VerifyRequest(build=made.build, images=pixels, source="digits", links=("cpu", "qonnx")))
    assert {name: (link.status, link.images) for name, link in report.links.items()} == {"cpu": ("equal", 100), "qonnx": ("equal", 100)}
    for stalls in (False, True):
        result = families.batch.simulate(made.case, stalls=stalls)
        check_rtl(families.batch.request(made.case, stalls=stalls), made.case.images, made.outputs, result)
        if not stalls:
            assert (result.cycles_per_image, result.latency) == (made.build.estimate.interval, made.build.estimate.latency)
