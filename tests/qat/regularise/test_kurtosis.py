"""Kurtosis regulariser and its metrics."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from xnorflow.errors import BadInputError
from xnorflow.models import build
from xnorflow.qat.lesson import Lesson
from xnorflow.qat.method import MethodSettings
from xnorflow.qat.regularise.kurtosis import TARGETS, kurtosis, kurtosis_loss, regularised_weights
from xnorflow.qat.regularise.metrics import cosine_to_sign, near_one_share
from xnorflow.qat.terms import WeightedTerm

WEIGHT = torch.randn(8, 3, 3, 3, generator=torch.Generator().manual_seed(0)) * 0.1 + 0.02


def test_kurtosis_is_the_fourth_moment_with_unbiased_deviation() -> None:
    w = WEIGHT.double().numpy().ravel()
    assert float(kurtosis(WEIGHT)) == pytest.approx((((w - w.mean()) / w.std(ddof=1)) ** 4).mean(), rel=1e-5)


def test_known_shapes_have_their_kurtosis() -> None:
    modes = torch.tensor([1.0, -1.0]).repeat(5000)
    assert float(kurtosis(modes)) == pytest.approx(1, abs=1e-3)
    assert float(kurtosis(torch.linspace(-1, 1, 10001))) == pytest.approx(1.8, abs=1e-3)
    assert float(kurtosis(torch.randn(200_000, generator=torch.Generator().manual_seed(1)))) == pytest.approx(3, abs=0.05)
    assert float(kurtosis(5 * WEIGHT - 2)) == pytest.approx(float(kurtosis(WEIGHT)), rel=1e-4)


def test_loss_is_the_mean_squared_distance_to_each_layers_target() -> None:
    layers = [WEIGHT, WEIGHT.abs()]
    first, second = (float(kurtosis(w)) for w in layers)
    assert float(kurtosis_loss(layers, [1.8, 1.2])) == pytest.approx(((first - 1.8) ** 2 + (second - 1.2) ** 2) / 2, rel=1e-5)
    assert float(kurtosis_loss(layers, [1.4])) == float(kurtosis_loss(layers, [1.4, 1.4]))


def test_published_targets_have_19_layers_and_their_means() -> None:
    means = {name: sum(targets) / 19 for name, targets in TARGETS.items() if len(targets) == 19}
    assert means == pytest.approx({"imagenet-resnet18": 1.31, "cifar": 1.53, "teacher-student": 1.58}, abs=0.006)


@pytest.mark.parametrize("name", ["resnet-18", "bireal-18", "bnn-resnet-18", "real-to-binary-18-baseline"])
def test_published_targets_fit_the_convolutions_of_a_resnet_18_and_no_other_number(name: str) -> None:
    with torch.device("meta"):
        weights = regularised_weights(build(name, input_shape=(3, 32, 32), num_classes=10))
    for targets in TARGETS.values():
        assert len(targets) == len(weights)
        with pytest.raises(BadInputError, match="19 targets for 18 layers; one for all or one for each is needed"):
            kurtosis_loss(weights[1:], targets)


@pytest.mark.parametrize("arguments", [{"targets": (1.8, 1.4)}, {"published": "cifar"}])
def test_a_list_of_the_wrong_length_is_refused_before_the_first_step(arguments: dict[str, object]) -> None:
    method = MethodSettings(terms=(WeightedTerm("cross-entropy"), WeightedTerm("kurtosis", arguments=arguments)))
    network = nn.Sequential(*(nn.Conv2d(1, 1, 1) for _ in range(4)))
    with pytest.raises(BadInputError, match=r"^kurtosis: (2|19) targets for 3 layers; one for all or one for each is needed$"):
        Lesson(network, method)
    Lesson(network, MethodSettings(terms=(WeightedTerm("kurtosis", arguments={"targets": (1.8, 1.4, 1.2)}),)))


@pytest.mark.parametrize("value", [1.0, -0.25])
def test_equal_values_have_a_finite_kurtosis_without_gradient(value: float) -> None:
    weight = torch.full((4, 4), value, requires_grad=True)
    assert float(kurtosis(weight.detach())) == 0
    kurtosis_loss([weight], [1.0]).backward()
    assert weight.grad is not None
    assert not weight.grad.any()


def test_gradient_is_exact() -> None:
    weight = WEIGHT[:2].double().requires_grad_()
    assert torch.autograd.gradcheck(lambda w: kurtosis_loss([w], [1.0]), weight)


class Student(nn.Module):
    """Three convolutions on random textures; the middle and the last are regularised."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(1, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 16, 3), nn.BatchNorm2d(16), nn.ReLU(), nn.Conv2d(16, 16, 3)
        )
        self.head = nn.Linear(16, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.body(x).mean((2, 3)))


def trained(strength: float, target: float, seed: int) -> tuple[float, float]:
    torch.manual_seed(seed)
    student = Student()
    weights = regularised_weights(student)
    for weight in weights:
        nn.init.normal_(weight, std=0.1)
    images = torch.randn(64, 1, 7, 7)
    labels = torch.arange(64) % 4
    images[:, 0, :, 0] += labels[:, None] - 1.5
    optimizer = torch.optim.Adam(student.parameters(), lr=3e-3)
    for _ in range(150):
        optimizer.zero_grad()
        (functional.cross_entropy(student(images), labels) + strength * kurtosis_loss(weights, [target])).backward()
        optimizer.step()
    shapes = [float(kurtosis(w.detach())) for w in weights]
    return sum(shapes) / 2, min(cosine_to_sign(w) for w in weights)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_regularised_weights_reach_two_modes_or_a_uniform_and_others_do_not(seed: int) -> None:
    modes, cosine = trained(1.0, 1.0, seed)
    assert modes <= 1.25
    assert cosine >= 0.95
    assert trained(1.0, 1.8, seed)[0] == pytest.approx(1.8, abs=0.1)
    plain, plain_cosine = trained(0.0, 1.0, seed)
    assert plain > 2.5
    assert plain_cosine < 0.9


def test_first_convolution_and_linear_layers_are_left_out() -> None:
    student = Student()
    assert [tuple(w.shape) for w in regularised_weights(student)] == [(16, 8, 3, 3), (16, 16, 3, 3)]


def test_unreachable_targets_and_wrong_numbers_are_refused() -> None:
    with pytest.raises(BadInputError, match=r"target -1\.2 cannot be reached; raw kurtosis is at least 1"):
        kurtosis_loss([WEIGHT], [-1.2])
    with pytest.raises(BadInputError, match="2 targets for 3 layers"):
        kurtosis_loss([WEIGHT] * 3, [1.0, 1.0])


def test_metrics_are_their_formulas() -> None:
    w = WEIGHT.double().numpy().ravel()
    assert cosine_to_sign(WEIGHT) == pytest.approx(abs(w).mean() / np.sqrt((w**2).mean()), rel=1e-5)
    assert cosine_to_sign(torch.tensor([2.0, -2.0, 2.0])) == pytest.approx(1)
    assert near_one_share([torch.tensor([0.99, -0.995, 0.2]), torch.tensor([[1.0]])]) == 0.5
