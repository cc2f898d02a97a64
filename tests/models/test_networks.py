from __future__ import annotations

from typing import Any

import pytest
import torch

from xnorflow.errors import BadInputError
from xnorflow.models import build, lookup
from xnorflow.models.layers import Conv, Dense, ScalarNorm


@pytest.mark.parametrize("name", ["tfc", "sfc", "lfc", "cnv", "cnv-small", "vgg-small"])
def test_every_network_gives_logits_at_its_published_size(name: str) -> None:
    shape = lookup(name).input_shape
    network = build(name, input_shape=shape, num_classes=7, width=0.125).eval()
    assert network(torch.zeros(2, *shape)).shape == (2, 7)


@pytest.mark.parametrize(("name", "hidden"), [("tfc", 64), ("sfc", 256), ("lfc", 1024)])
def test_the_mlps_have_finns_widths(name: str, hidden: int) -> None:
    network = build(name, input_shape=(1, 28, 28), num_classes=10)
    dense = [layer for layer in network.modules() if isinstance(layer, Dense)]
    assert [(d.in_features, d.out_features) for d in dense] == [(784, hidden), (hidden, hidden), (hidden, hidden), (hidden, 10)]


def test_cnv_has_finns_layers() -> None:
    network = build("cnv", input_shape=(3, 32, 32), num_classes=10)
    convs = [layer for layer in network.modules() if isinstance(layer, Conv)]
    dense = [layer for layer in network.modules() if isinstance(layer, Dense)]
    assert [(c.in_channels, c.out_channels) for c in convs] == [(3, 64), (64, 64), (64, 128), (128, 128), (128, 256), (256, 256)]
    assert all(c.padding == (0, 0) and c.kernel_size == (3, 3) for c in convs)
    assert [(d.in_features, d.out_features) for d in dense] == [(256, 512), (512, 512), (512, 10)]


def test_width_scales_hidden_layers_only() -> None:
    dense = [layer for layer in build("tfc", input_shape=(1, 8, 8), num_classes=10, width=0.3).modules() if isinstance(layer, Dense)]
    assert [(d.in_features, d.out_features) for d in dense] == [(64, 19), (19, 19), (19, 19), (19, 10)]


def test_the_edges_of_vgg_small_have_eight_bits_and_its_stem_pads_with_zero() -> None:
    layers = [
        layer for layer in build("vgg-small", input_shape=(3, 32, 32), num_classes=10, padding_value=1).modules() if isinstance(layer, Conv | Dense)
    ]
    assert [layer.bits for layer in layers] == [8, 1, 1, 1, 1, 1, 8]
    convs = [layer for layer in layers if isinstance(layer, Conv)]
    assert [layer.padding_value for layer in convs] == [0, 1, 1, 1, 1, 1]


@pytest.mark.parametrize(("name", "size"), [("cnv", 31), ("cnv-small", 3), ("vgg-small", 7)])
def test_an_image_that_is_too_small_is_refused(name: str, size: int) -> None:
    with pytest.raises(BadInputError, match=rf"model {name}: an image of {size}x{size} is too small"):
        build(name, input_shape=(1, size, size), num_classes=10, width=0.125)
    assert build(name, input_shape=(1, size + 1, size + 1), num_classes=10, width=0.125)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"width": 0.0}, "width 0.0 is not a positive factor"),
        ({"width": 1e9}, "width 1000000000.0 is not a positive factor of at most 1000"),
        ({"width": float("inf")}, "width inf is not a positive factor"),
        ({"num_classes": 10**11}, "100000000000 classes; a classifier has 2 to 1000000"),
        ({"input_shape": (1, 10**23, 1)}, "each 1 to 65536"),
        ({"width": float("nan")}, "width nan is not a positive factor"),
        ({"padding_value": 2}, r"padding value 2 is none of -1, 0, \+1"),
        ({"weight_bits": 0}, "0 weight bits; 1 to 8"),
        ({"act_bits": 9}, "9 activation bits; 1 to 8"),
        ({"num_classes": 1}, "1 classes"),
        ({"dropout": 1.0}, "dropout 1.0"),
        ({"input_shape": (1, 0, 8)}, r"input shape \(1, 0, 8\)"),
    ],
)
def test_a_configuration_out_of_range_is_refused(options: dict[str, Any], message: str) -> None:
    arguments: dict[str, Any] = {"input_shape": (1, 8, 8), "num_classes": 10} | options
    with pytest.raises(BadInputError, match=message):
        build("tfc", **arguments)


def test_the_conv_slot_pads_with_its_value() -> None:
    conv = Conv(1, 1, 3, bits=1, padding=1, padding_value=-1)
    torch.nn.init.ones_(conv.weight)
    out = conv(torch.zeros(1, 1, 2, 2))
    assert out.tolist() == [[[[-5.0, -5.0], [-5.0, -5.0]]]]


def test_scalar_norm_standardises_in_training_and_uses_running_statistics_after() -> None:
    norm = ScalarNorm(eps=0.0, momentum=1.0)
    x = torch.tensor([[1.0, 3.0], [5.0, 7.0]])
    out = norm(x).detach()
    assert float(out.mean()) == 0.0
    torch.testing.assert_close(out.square().mean(), torch.tensor(1.0))
    assert float(norm.running_mean) == 4.0
    norm.eval()
    torch.testing.assert_close(norm(x), (x - 4.0) / torch.sqrt(x.var()))
