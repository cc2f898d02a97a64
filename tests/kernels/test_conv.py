"""Binary convolutions with padding equal PyTorch's convolution in float64, and packing is one comparison."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from xnorflow import kernels
from xnorflow.errors import BadInputError
from xnorflow.kernels import BinaryConv2d, BitThresholds, pack_images

SPECIAL = np.array([0.0, -0.0, np.nan, -np.nan, np.inf, -np.inf, 1e-45, -1e-45, 1.0, -1.0], dtype=np.float32)


@pytest.mark.parametrize("channels_last", [False, True])
@pytest.mark.parametrize("width", [1, 7, 8, 15, 33, 70])
@pytest.mark.parametrize("channels", [1, 3, 31, 32, 33, 64, 65, 130])
def test_floats_pack_by_one_comparison_in_both_memory_orders(isa: str, channels: int, width: int, channels_last: bool) -> None:
    rng = np.random.default_rng(channels * 100 + width)
    x = rng.choice(SPECIAL, (2, channels, 3, width))
    if channels_last:
        x = np.ascontiguousarray(x.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    expected = np.where(x.transpose(0, 2, 3, 1) >= 0, 1, -1)
    packed = pack_images(x, isa=isa)
    assert np.array_equal(packed.words, kernels.pack(expected).words)
    assert np.array_equal(pack_images(x, isa=isa, threads=3).words, packed.words)
    higher = np.where(x.transpose(0, 2, 3, 1) >= 0.5, 1, -1)
    assert np.array_equal(kernels.unpack(pack_images(x, level=0.5, isa=isa)), higher)


@pytest.mark.parametrize("view", [lambda x: x, lambda x: x[:, ::-1, ::2], lambda x: x.transpose(0, 3, 1, 2), lambda x: x[::-1, :, :, 1:]])
@pytest.mark.parametrize("dtype", [np.float32, np.uint8])
def test_images_of_any_strides_are_packed_right(dtype: type, view, isa: str, rng: np.random.Generator) -> None:  # type: ignore[no-untyped-def]
    x = view(rng.integers(0, 256, (2, 6, 5, 7)).astype(dtype))
    expected = np.where(x.transpose(0, 2, 3, 1) >= 128, 1, -1)
    assert np.array_equal(kernels.unpack(pack_images(x, level=128, isa=isa)), expected)


def test_bytes_are_compared_with_128_where_no_level_is_given() -> None:
    x = np.array([0, 127, 128, 255], dtype=np.uint8).reshape(1, 4, 1, 1)
    assert kernels.unpack(pack_images(x)).reshape(-1).tolist() == [-1, -1, 1, 1]


@pytest.mark.parametrize("plus", [False, True])
@pytest.mark.parametrize("channels", [3, 64, 70])
def test_the_margin_is_full_of_one_value_and_its_tail_empty(channels: int, plus: bool, isa: str, rng: np.random.Generator) -> None:
    x = rng.normal(size=(2, channels, 4, 5)).astype(np.float32)
    sides = ((0, 0), (1, 2), (3, 0), (0, 0))
    expected = np.pad(np.where(x.transpose(0, 2, 3, 1) >= 0, 1, -1), sides, constant_values=1 if plus else -1)
    words = kernels.pack(expected).words
    assert np.array_equal(pack_images(x, margin=(1, 2, 3, 0), plus=plus, isa=isa, threads=2).words, words)
    assert np.array_equal(kernels.pad(pack_images(x, isa=isa), (1, 2, 3, 0), plus=plus, threads=2).words, words)


def torch_convolution(x: np.ndarray, weights: np.ndarray, layer: dict, value: int) -> np.ndarray:  # type: ignore[type-arg]
    """Signs convolved in float64 with the padding's value around them: int64 (N, OH, OW, M)."""
    (top, left), signs = layer["padding"], torch.from_numpy(np.where(x >= 0, 1.0, -1.0))
    around = torch.nn.functional.pad(signs, (left, left, top, top), value=float(value))
    taps = torch.from_numpy(np.where(weights >= 0, 1.0, -1.0))
    return torch.nn.functional.conv2d(around, taps, stride=layer["stride"], dilation=layer["dilation"]).numpy().transpose(0, 2, 3, 1).astype(np.int64)


@pytest.mark.parametrize("value", [-1, 0, 1])
@pytest.mark.parametrize("seed", range(8))
def test_padded_convolutions_equal_pytorch(isa: str, value: int, seed: int) -> None:
    """Kernels up to 5x5 under paddings up to 3: windows that lie outside on several sides, or altogether, among them."""
    rng = np.random.default_rng(seed)
    for _ in range(1 if isa == "reference" else 8):
        kernel = tuple(int(k) for k in rng.integers(1, 6, 2))
        layer = {
            name: tuple(int(v) for v in rng.integers(low, high, 2)) for name, low, high in (("stride", 1, 4), ("padding", 0, 4), ("dilation", 1, 3))
        }
        least = [max((k - 1) * d + 1 - 2 * p, 1) for k, d, p in zip(kernel, layer["dilation"], layer["padding"], strict=True)]
        channels, mh = int(rng.choice([3, 64, 100])), int(rng.choice([5, 64, 70]))
        x = rng.normal(size=(2, channels, least[0] + int(rng.integers(0, 4)), least[1] + int(rng.integers(0, 9)))).astype(np.float32)
        weights = rng.normal(size=(mh, channels, *kernel)).astype(np.float32)
        acc = torch_convolution(x, weights, layer, value)
        conv = BinaryConv2d(weights, **layer, pad_value=value, isa=isa, threads=int(rng.integers(1, 3)))
        padded = conv.pack(x)
        assert np.array_equal(conv.accumulate(padded), acc)
        thresholds, negate = rng.integers(-40, 40, mh), rng.random(mh) < 0.5
        signs = np.where(np.where(negate, -acc, acc) >= thresholds, 1, -1)
        assert np.array_equal(conv.bits(padded, BitThresholds(thresholds, negate)).words, kernels.pack(signs).words)
        scale, bias = (rng.normal(size=mh).astype(np.float32) for _ in range(2))
        assert np.array_equal(conv.floats(conv.pad(pack_images(x, isa=isa)), scale, bias), acc.astype(np.float32) * scale + bias)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: BinaryConv2d(np.ones((2, 3))), "weights have shape (2, 3); (M, C, KH, KW) is accepted"),
        (lambda: BinaryConv2d(np.ones((2, 3, 1, 1)), pad_value=2), "padding (0, 0) with 2 is not possible"),
        (lambda: BinaryConv2d(np.ones((2, 3, 1, 1)), padding=(-1, 0)), "padding (-1, 0) with 0 is not possible"),
        (lambda: pack_images(np.ones((1, 2, 3, 4))), "images are float64 (1, 2, 3, 4); float32 or uint8 (N, C, H, W) is accepted"),
        (lambda: pack_images(np.ones((2, 3), np.float32)), "images are float32 (2, 3); float32 or uint8 (N, C, H, W) is accepted"),
        (lambda: pack_images(np.ones((1, 2, 3, 4), np.uint8), margin=(0, 0, -1, 0)), "a margin is not four sizes of 0 or more"),
        (lambda: pack_images(np.ones((1, 0, 3, 4), np.uint8)), "images of no channels"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(make, message: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(BadInputError) as error:
        make()
    assert str(error.value).startswith(message)
