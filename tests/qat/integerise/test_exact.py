"""PyTorch, QONNX and a pure int64 implementation compute the same logits on every image."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
import torch

from xnorflow.hw.lowering.reference import qonnx_execute
from xnorflow.pixels import PixelNorm
from xnorflow.qat.export import qonnx_bytes
from xnorflow.qat.integerise.integerise import integerise
from xnorflow.qat.layers import QuantScheme

CENTRED = PixelNorm(mean=(128 / 255,), std=(128 / 255,))
CIFAR = PixelNorm(mean=(0.507, 0.487, 0.441), std=(0.267, 0.256, 0.276))
MEAN = QuantScheme(weight_scale="mean")
# Network, image, normalisation, weights' scale, options.
CASES: dict[str, tuple[str, tuple[int, int, int], PixelNorm, QuantScheme, dict[str, Any]]] = {
    "bireal-20": ("bireal-20", (1, 8, 8), CENTRED, MEAN, {"width": 0.25}),
    "bireal-20 odd, coloured": ("bireal-20", (3, 9, 7), CIFAR, QuantScheme(), {"width": 0.25, "padding_value": 0}),
}


@pytest.mark.parametrize("case", CASES)
def test_pytorch_qonnx_and_int64_agree_on_every_logit(networks, shaken, twin, normalised, case: str) -> None:
    name, shape, norm, scheme, options = CASES[case]
    seed = sum(map(ord, case))
    network = shaken(networks(name, shape, scheme, seed=seed, **options), seed)
    pixels = np.random.default_rng(seed).integers(0, 256, (24, shape[1], shape[2], shape[0])).astype(np.uint8)
    images = normalised(norm, pixels)
    integers = integerise(network, images[:16], norm, scheme)
    with torch.no_grad():
        logits = integers(images).numpy()
    content = qonnx_bytes(integers, norm, shape)
    assert np.array_equal(qonnx_execute(onnx.load_model_from_string(content), images.numpy()), logits)
    assert np.array_equal(twin(integers, norm)(pixels), logits)
    assert len(np.unique(logits, axis=0)) > 1
