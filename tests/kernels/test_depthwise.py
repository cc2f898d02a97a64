"""Depthwise binary convolutions equal PyTorch's grouped convolution in float64 on every table."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from xnorflow import kernels
from xnorflow.errors import BadInputError
from xnorflow.kernels import BinaryConv2d, BitThresholds, Window, XnorLayer


def grouped(x: np.ndarray, weights: np.ndarray, value: int, **layer: tuple[int, int]) -> np.ndarray:
    """Signs convolved channel by channel with the padding's value around them: int64 (N, OH, OW, C)."""
    (top, left), signs = layer.pop("padding"), torch.from_numpy(np.where(x >= 0, 1.0, -1.0))
    around = torch.nn.functional.pad(signs, (left, left, top, top), value=float(value))
    taps = torch.from_numpy(np.where(weights >= 0, 1.0, -1.0))
    return torch.nn.functional.conv2d(around, taps, groups=len(weights), **layer).numpy().transpose(0, 2, 3, 1).astype(np.int64)


@pytest.mark.parametrize("value", [-1, 0, 1])
@pytest.mark.parametrize("channels", [2, 63, 64, 65, 130])
@pytest.mark.parametrize("seed", range(6))
def test_depthwise_convolutions_equal_pytorch(isa: str, channels: int, value: int, seed: int) -> None:
    rng = np.random.default_rng(100 * seed + channels)
    kernel = tuple(int(k) for k in rng.integers(1, 6, 2))
    layer = {name: tuple(int(v) for v in rng.integers(low, high, 2)) for name, low, high in (("stride", 1, 4), ("padding", 0, 4), ("dilation", 1, 3))}
    least = [max((k - 1) * d + 1 - 2 * p, 1) for k, d, p in zip(kernel, layer["dilation"], layer["padding"], strict=True)]
    x = rng.normal(size=(2, channels, least[0] + int(rng.integers(0, 4)), least[1] + int(rng.integers(0, 40)))).astype(np.float32)
    weights = rng.normal(size=(channels, 1, *kernel)).astype(np.float32)
    acc = grouped(x, weights, value, **layer)
    conv = BinaryConv2d(weights, **layer, groups=channels, pad_value=value, isa=isa, threads=int(rng.integers(1, 4)))
    padded = conv.pack(x)
    assert np.array_equal(conv.accumulate(padded), acc)
    most = kernel[0] * kernel[1] + 2
    thresholds, negate = rng.integers(-most, most + 1, channels), rng.random(channels) < 0.5
    thresholds[0] = rng.choice([-(2**40), 2**40])
    signs = np.where(np.where(negate, -acc, acc) >= thresholds, 1, -1)
    assert np.array_equal(conv.bits(padded, BitThresholds(thresholds, negate)).words, kernels.pack(signs).words)
    scale, bias = (rng.normal(size=channels).astype(np.float32) for _ in range(2))
    assert np.array_equal(conv.floats(padded, scale, bias), acc.astype(np.float32) * scale + bias)


@pytest.mark.parametrize("agree", [True, False])
@pytest.mark.parametrize("size", [(1, 1), (3, 5), (4, 4), (255, 257)])
def test_all_taps_that_agree_or_disagree_are_counted(isa: str, size: tuple[int, int], agree: bool) -> None:
    """The kernel is the image: sums of a power of two less one, of one, and of the most taps that are accepted."""
    taps = size[0] * size[1]
    x = np.where(np.arange(70) % 3 == 0, 1, -1) * np.ones((9, *size, 1), dtype=np.int64)
    weights = np.repeat(x[0, 0, 0][:, None], taps, axis=1) * (1 if agree else -1)
    layer = XnorLayer(weights, 70, Window(size), isa=isa, depthwise=True)
    acc = layer.accumulate(kernels.pack(x))
    assert acc.shape == (9, 1, 1, 70)
    assert np.all(acc == (taps if agree else -taps))
    bits = layer.bits(kernels.pack(x), BitThresholds(np.full(70, taps), np.zeros(70, dtype=bool)))
    assert np.all(kernels.unpack(bits) == (1 if agree else -1))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: BinaryConv2d(np.ones((4, 2, 3, 3)), groups=2), "weights (4, 2, 3, 3) in 2 groups have no kernel; one group, or as"),
        (lambda: BinaryConv2d(np.ones((4, 1, 3, 3)), groups=2), "weights (4, 1, 3, 3) in 2 groups have no kernel; one group, or as"),
        (lambda: XnorLayer(np.ones((3, 9), np.int8), 4, Window((3, 3)), depthwise=True), "a depthwise layer of 4 channels has 3 rows of weights"),
        (lambda: XnorLayer(np.ones((4, 36), np.int8), 4, Window((3, 3)), depthwise=True), "weight matrix has shape (4, 36)"),
        (
            lambda: XnorLayer(np.ones((1, 65536), np.int8), 1, Window((256, 256)), depthwise=True),
            "a depthwise kernel has 65536 taps; 65535 are accepted",
        ),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(make, message: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(BadInputError) as error:
        make()
    assert str(error.value).startswith(message)
