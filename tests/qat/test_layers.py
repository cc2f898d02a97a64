from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import torch

from xnorflow.errors import BadInputError
from xnorflow.pixels import PixelNorm
from xnorflow.qat.layers import BinaryActivation, BinaryConv2d, BinaryLinear, QuantScheme, is_binary
from xnorflow.qat.pixel_table import PixelTable
from xnorflow.qat.quantisers import BinaryWeight


def convolved(image: np.ndarray, weight: np.ndarray, padding: int, value: int, stride: int) -> np.ndarray:
    """Direct sum over taps in Python integers, written without a padded copy."""
    channels, height, width = image.shape
    out_channels, _, kernel, _ = weight.shape
    rows = (height + 2 * padding - kernel) // stride + 1
    columns = (width + 2 * padding - kernel) // stride + 1
    out = np.zeros((out_channels, rows, columns), dtype=np.int64)
    for o, r, c, i, y, x in np.ndindex(out_channels, rows, columns, channels, kernel, kernel):
        row, column = r * stride + y - padding, c * stride + x - padding
        inside = 0 <= row < height and 0 <= column < width
        out[o, r, c] += int(weight[o, i, y, x]) * (int(image[i, row, column]) if inside else value)
    return out


@pytest.mark.parametrize("padding_value", [-1, 0, 1])
@pytest.mark.parametrize(("kernel", "padding", "stride"), [(1, 1, 1), (3, 1, 1), (3, 1, 2), (5, 2, 1)])
def test_a_padded_binary_convolution_sums_what_the_formula_sums(padding_value: int, kernel: int, padding: int, stride: int) -> None:
    rng = np.random.default_rng(kernel)
    layer = BinaryConv2d(3, 4, kernel, stride=stride, padding=padding, padding_value=padding_value, weight_quant=BinaryWeight)
    image = rng.choice([-1, 1], (3, 5, 6))
    out = layer(torch.tensor(image[None], dtype=torch.float32)).detach().numpy()[0]
    weight = np.where(layer.weight.detach().numpy() >= 0, 1, -1)
    assert np.array_equal(out, convolved(image, weight, padding, padding_value, stride))


def test_padding_value_travels_in_the_state_and_is_refused_when_it_changes() -> None:
    old = BinaryConv2d(1, 1, 3, padding=1, padding_value=0, weight_quant=BinaryWeight)
    new = BinaryConv2d(1, 1, 3, padding=1, padding_value=-1, weight_quant=BinaryWeight)
    with pytest.raises(BadInputError, match="trained with padding value 0, the network has -1"):
        new.load_state_dict(old.state_dict())


def test_zero_latents_are_plus_one() -> None:
    layer = BinaryLinear(3, 1, weight_quant=BinaryWeight)
    layer.weight.data = torch.tensor([[0.0, -0.0, -1e-9]])
    assert layer.quant_weight().value.tolist() == [[1.0, 1.0, -1.0]]


def test_mean_scale_is_each_channels_mean_magnitude() -> None:
    layer = BinaryLinear(2, 2, weight_quant=QuantScheme(weight_scale="mean").weight_quant(1))
    layer.weight.data = torch.tensor([[0.5, -1.0], [0.25, 0.25]])
    assert layer.quant_weight().value.tolist() == [[0.75, -0.75], [0.25, 0.25]]


@pytest.mark.parametrize("bits", range(2, 9))
def test_weights_of_several_bits_are_codes_times_a_power_of_two(bits: int) -> None:
    layer = BinaryLinear(50, 20, weight_quant=QuantScheme().weight_quant(bits))
    torch.nn.init.uniform_(layer.weight, -0.9, 0.9)
    quantised = layer.quant_weight()
    scale = float(quantised.scale.detach())
    assert Fraction(scale).numerator == 1 or Fraction(scale).denominator == 1
    codes = (quantised.value.detach() / scale).numpy()
    assert np.array_equal(codes, np.rint(codes))
    assert np.abs(codes).max() == 2 ** (bits - 1) - 1 or bits > 2
    assert np.abs(codes).max() <= 2 ** (bits - 1) - 1
    assert not is_binary(layer)


@pytest.mark.parametrize(("bits", "scale"), [(2, 1.0), (3, 0.5), (4, 0.25), (8, 2.0**-6)])
def test_activations_of_several_bits_round_half_to_even_and_saturate(bits: int, scale: float) -> None:
    layer = BinaryActivation(bits=bits, act_quant=QuantScheme().activation_quant(bits)).eval()
    x = np.arange(-300, 301, dtype=np.float32) * np.float32(scale / 2)
    limit = 2 ** (bits - 1) - 1
    expected = np.clip(np.rint(x / scale), -limit, limit) * scale
    assert np.array_equal(layer(torch.from_numpy(x)).detach().numpy(), expected)


@pytest.mark.parametrize("bits", [1, 8])
def test_the_recipes_normalisation_makes_the_input_code_the_pixel_less_128(bits: int) -> None:
    norm = PixelNorm(Fraction(1, 255), (128 / 255,), (128 / 255,))
    layer = BinaryActivation(bits=bits, act_quant=QuantScheme().input_quant(bits)).eval()
    x = PixelTable(norm, 1)(torch.arange(256, dtype=torch.uint8).reshape(1, 16, 16, 1))
    codes = layer(x).detach().numpy().reshape(-1) * (128 if bits == 8 else 1)
    pixels = np.arange(256)
    assert np.array_equal(codes, pixels - 128 if bits == 8 else np.where(pixels >= 128, 1, -1))


def test_the_pixel_table_has_the_bits_of_the_normalisation() -> None:
    norm = PixelNorm(Fraction(1, 255), (0.4914, 0.4822, 0.4465), (0.247, 0.243, 0.261))
    pixels = np.random.default_rng(0).integers(0, 256, (2, 5, 4, 3)).astype(np.uint8)
    assert np.array_equal(PixelTable(norm, 3)(torch.from_numpy(pixels)).numpy(), norm.apply(pixels).transpose(0, 3, 1, 2))


@pytest.mark.parametrize(
    ("scheme", "message"),
    [
        ({"activation": "relu"}, "quant.activation 'relu' is not known; known are ste, approx-sign, ede"),
        ({"weight_scale": "max"}, "known are none, mean, learned, power-of-two"),
        ({"weight": "half"}, "quant.weight 'half' is not known; known are ste, approx-sign"),
        ({"clip": 0.0}, "clip 0.0 is not"),
        ({"weight": "progressive", "weight_settings": {"clip": 1.0}}, "weight progressive has no 'clip'; it has threshold, hard_at, gamma"),
        ({"weight": "rbnn", "weight_settings": {"activation": 1.0}}, "weight rbnn has no 'activation'; it has low, high"),
    ],
)
def test_an_unknown_scheme_is_refused(scheme: dict[str, object], message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        QuantScheme(**scheme)  # type: ignore[arg-type]  # wrong values are the point
