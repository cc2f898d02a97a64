"""PyTorch, QONNX and a pure int64 implementation compute the same logits on every image."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest

from xnorflow.hw.lowering.reference import qonnx_execute
from xnorflow.models.config import ModelConfig
from xnorflow.models.layers import Network
from xnorflow.models.residual import head
from xnorflow.pixels import PixelNorm
from xnorflow.qat.export import qonnx_bytes
from xnorflow.qat.integerise.integerise import integerise
from xnorflow.qat.layers import QuantScheme

CENTRED = PixelNorm(mean=(128 / 255,), std=(128 / 255,))
CIFAR = PixelNorm(mean=(0.507, 0.487, 0.441), std=(0.267, 0.256, 0.276))
RAW = PixelNorm()
MEAN = QuantScheme(weight_scale="mean")
# Network, image, normalisation, weights' scale, options.
CASES: dict[str, tuple[str, tuple[int, int, int], PixelNorm, QuantScheme, dict[str, Any]]] = {
    "bireal-20": ("bireal-20", (1, 8, 8), CENTRED, MEAN, {"width": 0.25}),
    "bireal-20 coloured, odd, zero padding": ("bireal-20", (3, 9, 7), CIFAR, QuantScheme(), {"width": 0.125, "padding_value": 0}),
    "bireal-18 binary skips": ("bireal-18", (1, 9, 8), RAW, MEAN, {"width": 0.0625, "options": ("shortcut=pool-binary",)}),
    "bnn-resnet-18": ("bnn-resnet-18", (1, 8, 8), CENTRED, MEAN, {"width": 0.0625}),
    "xnor-resnet-20": ("xnor-resnet-20", (1, 8, 8), CENTRED, MEAN, {"width": 0.125}),
    "recu-18": ("recu-18", (1, 8, 8), CENTRED, MEAN, {"width": 0.0625}),
    "reactnet-20": ("reactnet-20", (1, 8, 8), CENTRED, MEAN, {"width": 0.125}),
    "reactnet-18 rank 1": ("reactnet-18", (1, 8, 8), CENTRED, MEAN, {"width": 0.0625, "options": ("scale=rank-1", "stem=imagenet")}),
    "real-to-binary-18": ("real-to-binary-18", (1, 8, 8), CENTRED, QuantScheme(), {"width": 0.125, "padding_value": 0}),
    "bnext-18": ("bnext-18", (1, 8, 8), CENTRED, QuantScheme(), {"width": 0.125, "padding_value": 1}),
}


@pytest.mark.parametrize("case", CASES)
def test_pytorch_qonnx_and_int64_agree_on_every_logit(networks, shaken, twin, normalised, case: str) -> None:
    name, shape, norm, scheme, options = CASES[case]
    seed = sum(map(ord, case))
    pixels = np.random.default_rng(seed).integers(0, 256, (24, shape[1], shape[2], shape[0])).astype(np.uint8)
    images = normalised(norm, pixels)
    network = shaken(networks(name, shape, scheme, seed=seed, **options), images[:16], seed)
    integers = integerise(network, images[:16], norm, scheme)
    logits = integers(images).numpy()
    content = qonnx_bytes(integers, norm, shape)
    assert np.array_equal(qonnx_execute(onnx.load_model_from_string(content), images.numpy()), logits)
    assert np.array_equal(twin(integers, norm)(pixels), logits)
    assert len(np.unique(logits, axis=0)) > len(images) / 2


@pytest.mark.parametrize("name", ["reactnet-a", "bnext-t"])
def test_mobile_plans_agree_too(networks, shaken, twin, normalised, name: str) -> None:
    network = networks(name, (1, 10, 6), width=0.25, seed=3)
    blocks = list(network.body.children())[:3]
    network.body = Network(*blocks)
    network.head = head(ModelConfig(name, (1, 10, 6), 10), 32)
    pixels = np.random.default_rng(3).integers(0, 256, (24, 10, 6, 1)).astype(np.uint8)
    images = normalised(CENTRED, pixels)
    shaken(network, images, 3)
    integers = integerise(network, images[:16], CENTRED)
    logits = integers(images).numpy()
    content = qonnx_bytes(integers, CENTRED, (1, 10, 6))
    assert np.array_equal(qonnx_execute(onnx.load_model_from_string(content), images.numpy()), logits)
    assert np.array_equal(twin(integers, CENTRED)(pixels), logits)
    assert len(np.unique(logits, axis=0)) > len(images) / 2
    assert {"Concatenate", "AveragePool"} <= {wire.kind for wire in integers.wires}
