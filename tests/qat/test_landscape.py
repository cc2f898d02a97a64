from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from xnorflow.errors import BadInputError
from xnorflow.models import build
from xnorflow.qat.landscape import Moved, Plane, coordinates, filter_normalised, mean_loss, moved_weights
from xnorflow.qat.layers import QuantScheme
from xnorflow.qat.quantise import quantise


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_every_filter_of_a_direction_has_the_norm_of_the_weights_filter() -> None:
    weights = [torch.randn(6, 3, 3, 3, generator=generator()) * torch.arange(6.0).reshape(6, 1, 1, 1), torch.randn(4, 9, generator=generator(1))]
    first, second = (filter_normalised(weights, generator(seed)) for seed in (2, 3))
    for direction in (first, second):
        for weight, moved in zip(weights, direction, strict=True):
            assert moved.shape == weight.shape
            norms = [[math.sqrt(sum(value**2 for value in row.flatten().tolist())) for row in tensor] for tensor in (weight, moved)]
            assert norms[0] == pytest.approx(norms[1], rel=1e-6)
    assert torch.equal(first[0][0], torch.zeros(3, 3, 3))  # its filter is zero
    assert not torch.equal(first[1], second[1])


def test_a_direction_follows_from_the_seed() -> None:
    weights = [torch.randn(4, 5)]
    assert torch.equal(filter_normalised(weights, generator(7))[0], filter_normalised(weights, generator(7))[0])


def test_a_quadratic_loss_has_its_closed_form_on_the_plane() -> None:
    """With ``L(w) = w' A w / 2``: ``L(w + a d + b e) = L(w) + a d'Aw + b e'Aw + (a a d'Ad + 2 a b d'Ae + b b e'Ae) / 2``."""
    torch.manual_seed(1)
    w = torch.randn(3, 4, dtype=torch.float64, requires_grad=True)
    root = torch.randn(12, 12, dtype=torch.float64)
    matrix = root @ root.T
    (d,), (e,) = (filter_normalised([w], generator(seed)) for seed in (0, 1))

    def form(x: Tensor, y: Tensor) -> float:
        return float(x.detach().flatten() @ matrix @ y.detach().flatten())

    terms = {"ww": form(w, w), "dw": form(d, w), "ew": form(e, w), "dd": form(d, d), "de": form(d, e), "ee": form(e, e)}
    with Plane([w], [d], [e]) as plane:
        for a in coordinates(2.0, 5):
            for b in coordinates(1.5, 7):
                plane.move(a, b)
                slope = a * terms["dw"] + b * terms["ew"]
                curve = a * a * terms["dd"] + 2 * a * b * terms["de"] + b * b * terms["ee"]
                assert form(w, w) / 2 == pytest.approx(terms["ww"] / 2 + slope + curve / 2, rel=1e-12)


def stopped_at(plane: Plane, a: float, b: float) -> None:
    with plane:
        plane.move(a, b)
        raise RuntimeError("stop")


@pytest.mark.parametrize("which", Moved)
def test_the_weights_come_back_bit_for_bit_also_after_an_error(which: Moved) -> None:
    torch.manual_seed(2)
    network = quantise(build("bireal-20", input_shape=(3, 8, 8), num_classes=4, width=0.25), QuantScheme(weight_scale="mean")).eval()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    weights = moved_weights(network, which)
    directions = [filter_normalised(weights, generator(seed)) for seed in (0, 1)]
    plane = Plane(weights, *directions)
    plane.move(0.5, -0.25)
    changed = [name for name, value in network.state_dict().items() if not torch.equal(value, before[name])]
    assert len(changed) == len(weights)
    with pytest.raises(RuntimeError, match="stop"):
        stopped_at(plane, 0.5, 0.5)
    after = network.state_dict()
    assert all(torch.equal(after[name], value) for name, value in before.items())


def test_all_or_only_binary_weights_are_moved_and_never_norms_scales_or_biases() -> None:
    network = quantise(build("reactnet-18", input_shape=(3, 8, 8), num_classes=4, width=0.125), QuantScheme(weight_scale="learned"))
    names = {id(parameter): name for name, parameter in network.named_parameters()}
    everything = [names[id(weight)] for weight in moved_weights(network, Moved.ALL)]
    binary = [names[id(weight)] for weight in moved_weights(network, Moved.BINARY)]
    assert set(binary) < set(everything)
    assert {"stem.conv.weight", "head.fc.weight"} <= set(everything) - set(binary)
    assert all(name.endswith(".weight") and "norm" not in name for name in everything)


def test_the_middle_of_the_grid_is_the_loss_of_the_network_itself() -> None:
    torch.manual_seed(3)
    network = quantise(build("cnv-small", input_shape=(1, 8, 8), num_classes=10)).eval()
    images, labels = torch.randn(50, 1, 8, 8), torch.randint(10, (50,))
    own = mean_loss(network, [(images, labels)])
    weights = moved_weights(network, Moved.ALL)
    with Plane(weights, *(filter_normalised(weights, generator(seed)) for seed in (0, 1))) as plane:
        plane.move(1.0, 0.0)
        assert mean_loss(network, [(images, labels)]) != own
        plane.move(0.0, 0.0)
        assert mean_loss(network, [(images, labels)]) == own


def test_the_mean_loss_weighs_every_image_the_same() -> None:
    logits, labels = torch.randn(10, 3, generator=generator(4)), torch.arange(10) % 3
    expected = sum(math.log(sum(math.exp(v) for v in row)) - row[label] for row, label in zip(logits.tolist(), labels.tolist(), strict=True)) / 10
    whole = mean_loss(nn.Identity(), [(logits, labels)])
    parts = mean_loss(nn.Identity(), [(logits[:7], labels[:7]), (logits[7:], labels[7:])])
    assert whole == pytest.approx(expected, rel=1e-12)
    assert parts == pytest.approx(expected, rel=1e-12)


def test_coordinates_are_symmetric_and_hit_zero() -> None:
    points = coordinates(0.3, 7)
    assert points == [-point for point in reversed(points)]
    assert (points[0], points[3], points[-1]) == (-0.3, 0.0, 0.3)


@pytest.mark.parametrize(
    ("reach", "steps", "message"),
    [
        (1.0, 20, "20 steps: an odd number from 3 to 999"),
        (1.0, 1001, "1001 steps: an odd number from 3 to 999"),
        (1.0, 1, "1 steps: an odd number from 3 to 999"),
        (0.0, 21, r"range 0\.0 is not a positive number"),
        (math.nan, 21, "range nan is not a positive number"),
        (math.inf, 21, "range inf is not a positive number"),
    ],
)
def test_grids_without_a_middle_or_an_extent_are_refused(reach: float, steps: int, message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        coordinates(reach, steps)


def test_a_network_without_binary_layers_has_no_latents_to_move() -> None:
    with pytest.raises(BadInputError, match="no binary layer to move"):
        moved_weights(build("resnet-20", input_shape=(3, 8, 8), num_classes=4), Moved.BINARY)
