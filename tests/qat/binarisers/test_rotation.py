"""RBNN's rotation: orthogonal, nearer to the signs with every epoch, the same after a resumption, gone after freezing."""

from __future__ import annotations

import math
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.func import functional_call

from xnorflow.models.layers import Network
from xnorflow.qat.binarisers.rotation import Rotation, sides
from xnorflow.qat.binarisers.schedule import set_epoch
from xnorflow.qat.freeze import freeze
from xnorflow.qat.inherit import inherit
from xnorflow.qat.injectors import binary_activation, binary_weight
from xnorflow.qat.layers import BinaryActivation, BinaryConv2d
from xnorflow.qat.recipe import load_recipe
from xnorflow.qat.regularise.metrics import cosine_to_sign
from xnorflow.qat.training import run_training

SEED = 3


def layer(outputs: int = 6, inputs: int = 4) -> nn.Conv2d:
    torch.manual_seed(SEED)
    return nn.Conv2d(inputs, outputs, 3)


def rotated(conv: nn.Conv2d, epochs: int = 1) -> Rotation:
    rotation = Rotation(conv)
    with torch.no_grad():
        rotation.angle.fill_(math.pi / 2)
    for epoch in range(epochs):
        rotation.set_epoch(epoch, epochs)
        rotation(conv.weight)
    return rotation


def written_out(conv: nn.Conv2d, rotation: Rotation) -> np.ndarray:
    weight = conv.weight.detach().double().numpy().reshape(len(conv.weight), -1)
    weight = (weight - weight.mean(1, keepdims=True)) / np.sqrt(weight.var(1, ddof=1, keepdims=True) + 1e-5)
    left, right = rotation.left.double().numpy(), rotation.right.double().numpy()
    share = abs(np.sin(rotation.angle.detach().double().numpy())).reshape(-1, 1)
    turned = np.kron(left, right).T @ weight.T
    return (1 - share) * weight + share * turned.T


@pytest.mark.parametrize(("count", "expected"), [(36, (6, 6)), (27, (3, 9)), (288, (16, 18)), (13, (1, 13)), (1, (1, 1))])
def test_sides_are_the_divisors_nearest_the_root(count: int, expected: tuple[int, int]) -> None:
    assert sides(count) == expected


def test_it_is_the_bilinear_rotation_of_the_standardised_filter() -> None:
    conv = layer(inputs=3)
    rotation = Rotation(conv)
    assert set(rotation.angle.shape) == {6, 1}
    rotation.set_epoch(0, 1)
    out = rotation(conv.weight).detach().reshape(6, -1)
    np.testing.assert_allclose(out, written_out(conv, rotation), atol=1e-5)
    assert not torch.equal(rotation.left, torch.eye(3))


def test_the_matrices_stay_orthogonal_and_the_weights_come_nearer_to_their_signs_each_epoch() -> None:
    conv = layer()
    cosines = [cosine_to_sign(rotated(conv, epochs)(conv.weight)) for epochs in range(5)]
    assert all(after >= before for before, after in pairwise(cosines))
    assert cosines[-1] > cosines[0] + 0.05
    rotation = rotated(conv, 4)
    for matrix in (rotation.left, rotation.right):
        torch.testing.assert_close(matrix @ matrix.T, torch.eye(6), atol=1e-5, rtol=0)


def test_the_gradient_is_exact_for_weights_and_angles() -> None:
    conv = layer().double()
    rotation = Rotation(conv).double()
    rotation.set_epoch(0, 1)
    rotation(conv.weight)
    angles = torch.linspace(0.2, 1.2, 6, dtype=torch.float64).reshape(6, 1, 1).requires_grad_()
    assert torch.autograd.gradcheck(lambda w, angle: functional_call(rotation, {"angle": angle}, (w,)), (conv.weight, angles))


def net() -> Network:
    torch.manual_seed(SEED)
    activation = BinaryActivation(bits=1, act_quant=binary_activation("rbnn"))
    return Network(activation, BinaryConv2d(2, 4, 3, weight_quant=binary_weight("rbnn-rotated")))


def step(network: Network, epoch: int) -> None:
    set_epoch(network.train(), epoch, 4)
    for seed in range(2):
        optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
        optimizer.zero_grad()
        network(torch.randn(4, 2, 5, 5, generator=torch.Generator().manual_seed(seed))).square().mean().backward()
        optimizer.step()


def test_it_turns_once_an_epoch_also_where_a_training_resumes_within_one() -> None:
    whole, resumed = net(), net()
    step(whole, 0)
    resumed.load_state_dict(whole.state_dict(), strict=True)
    for network in (whole, resumed):
        set_epoch(network, 0, 4)
        network(torch.randn(1, 2, 5, 5))
    transforms = [network[1].weight_quant.tensor_quant.transform_impl for network in (whole, resumed)]
    assert all(int(transform.turned) == 0 for transform in transforms)
    assert torch.equal(transforms[0].left, transforms[1].left)
    for network in (whole, resumed):
        step(network, 1)
    assert all(torch.equal(a, b) for a, b in zip(whole.state_dict().values(), resumed.state_dict().values(), strict=True))
    assert int(transforms[1].turned) == 1


def test_evaluation_does_not_turn_and_freezing_folds_it_into_signs() -> None:
    network = net()
    step(network, 0)
    transform = network[1].weight_quant.tensor_quant.transform_impl
    before = transform.left.clone()
    set_epoch(network.eval(), 4, 4)
    network(torch.randn(1, 2, 5, 5))
    assert torch.equal(transform.left, before)
    frozen = freeze(network)
    expected = transform(network[1].weight)
    assert torch.equal(frozen[1].weight, torch.where(expected >= 0, 1.0, -1.0))
    assert not torch.equal(frozen[1].weight, torch.where(network[1].weight >= 0, 1.0, -1.0))
    assert not any("transform" in name and value.numel() for name, value in frozen.state_dict().items())


def test_a_stage_that_starts_from_a_rotated_one_keeps_the_rotation() -> None:
    first, second = net(), net()
    step(first, 0)
    inherit(second, first)
    assert torch.equal(first.eval()[1].quant_weight().value, second.eval()[1].quant_weight().value)
    assert int(second[1].weight_quant.tensor_quant.transform_impl.turned) == -1


def test_reduced_precision_changes_neither_the_rotation_nor_the_signs() -> None:
    conv = layer()
    plain, reduced = Rotation(conv), Rotation(conv)
    reduced.load_state_dict(plain.state_dict())
    for rotation in (plain, reduced):
        rotation.set_epoch(0, 1)
    with torch.autocast("cpu", torch.bfloat16):
        half = reduced(conv.weight)
    assert torch.equal(half, plain(conv.weight))


def test_a_recipe_trains_rotated_weights_and_resumes_them_bit_for_bit(tmp_path: Path) -> None:
    settings = ["quant.weight=rbnn-rotated", "quant.activation=rbnn", "train.epochs=3", "data.limit_train=128", "model.width=0.25"]
    recipe = load_recipe("cnv-small-digits", settings)
    whole = run_training(recipe, tmp_path / "whole")
    half = run_training(recipe, tmp_path / "half", stop_after=1)
    rest = run_training(recipe, tmp_path / "rest", resume=half.checkpoint)
    one, two = (torch.load(run.checkpoint, weights_only=True)["state_dict"] for run in (whole, rest))
    assert sum(name.endswith("transform_impl.left") for name in one) > 2
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert whole.accuracy == rest.accuracy is not None
