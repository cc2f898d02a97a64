"""BNEW's freeze within a stage: when it happens, to what, and that it is said."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from xnorflow.errors import BadInputError
from xnorflow.models.layers import Network
from xnorflow.qat.binarisers.real import is_hard
from xnorflow.qat.freeze import freeze
from xnorflow.qat.injectors import binary_weight
from xnorflow.qat.layers import BinaryActivation, BinaryConv2d
from xnorflow.qat.lesson import Lesson
from xnorflow.qat.method import MethodSettings, RuleSettings
from xnorflow.qat.optim.bnew import freeze_signs
from xnorflow.qat.quantisers import SteActivation

EPOCHS = 10


def network(scale: str = "none") -> Network:
    torch.manual_seed(0)
    activation = BinaryActivation(bits=1, act_quant=SteActivation)
    return Network(activation, BinaryConv2d(2, 4, 3, weight_quant=binary_weight("real", scale)))


def hardened_in(net: Network, method: MethodSettings, near_from: int) -> tuple[int, list[str]]:
    """The epoch in which a lesson hardens weights that come near +-1 in epoch ``near_from``, and what it told."""
    told: list[str] = []
    lesson = Lesson(net, method, weight="real", tell=told.append)
    for epoch in range(EPOCHS):
        if epoch == near_from:
            with torch.no_grad():
                net[1].weight.copy_(torch.where(net[1].weight >= 0, 0.995, -0.995))
        lesson.start_epoch(epoch, EPOCHS)
        if is_hard(net):
            return epoch, told
    raise AssertionError("never hardened")


@pytest.mark.parametrize(
    ("harden_by", "near_from", "expected", "warned"),
    [(None, 9, 4, True), (0.8, 0, 4, False), (0.8, 6, 6, False), (0.8, 9, 8, True), (0.95, 20, 9, True)],
    ids=["no waiting", "ripe at once", "ripe later", "never ripe", "last epoch"],
)
def test_the_ramp_goes_on_until_the_weights_are_near_one_or_the_last_moment(
    harden_by: float | None, near_from: int, expected: int, warned: bool
) -> None:
    epoch, told = hardened_in(network(), MethodSettings(harden_at=0.4, harden_by=harden_by), near_from)
    assert epoch == expected
    assert [line.startswith("only ") and "harden_by" in line for line in told] == [True] * warned


@pytest.mark.parametrize("rate", [0.001, 0.03])
def test_a_rate_too_low_for_its_epochs_is_told_of(rate: float) -> None:
    net = network()
    arguments = {"rate": rate, "coupling": "none", "ramp": "share"}
    told: list[str] = []
    lesson = Lesson(net, MethodSettings(rule=RuleSettings("bnew", arguments), harden_at=0.8), weight="real", tell=told.append)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.0)
    lesson.attach(optimizer)
    for epoch in range(EPOCHS):
        lesson.start_epoch(epoch, EPOCHS)
        for _ in range(40):
            net[1].weight.grad = torch.zeros_like(net[1].weight) if net[1].weight.requires_grad else None
            optimizer.step()
    assert bool(told) == (rate == 0.001)


def signs_of(weight: Tensor) -> Tensor:
    return torch.where(weight >= 0, 1.0, -1.0)


@pytest.mark.parametrize("scale", ["none", "mean"])
def test_weights_freeze_to_signs_or_to_the_mean_magnitude_of_their_filter(scale: str) -> None:
    net = network(scale)
    before = net[1].weight.detach().clone()
    lesson = Lesson(net, MethodSettings(harden_at=0.1), weight="real")
    lesson.start_epoch(5, EPOCHS)
    magnitude = before.abs().mean((1, 2, 3), keepdim=True) if scale == "mean" else torch.ones(4, 1, 1, 1)
    assert torch.equal(net[1].weight, signs_of(before) * magnitude)
    assert not net[1].weight.requires_grad
    frozen = net[1].weight.detach().clone()
    lesson.start_epoch(6, EPOCHS)
    assert torch.equal(net[1].weight, frozen)
    matrix = next(part for part in freeze(net.eval()).modules() if isinstance(part, BinaryConv2d))
    assert torch.equal(matrix.weight, signs_of(before))


def test_a_resumed_lesson_leaves_hard_weights_as_they_are() -> None:
    net, resumed = network("mean"), network("mean")
    Lesson(net, MethodSettings(harden_at=0.1), weight="real").start_epoch(5, EPOCHS)
    lesson = Lesson(resumed, MethodSettings(harden_at=0.1), weight="real")
    resumed.load_state_dict(net.state_dict(), strict=True)
    lesson.start_epoch(5, EPOCHS)
    assert torch.equal(resumed[1].weight, net[1].weight)
    assert not resumed[1].weight.requires_grad


def test_the_share_of_signs_changed_since_the_stage_began_is_measured() -> None:
    net = network()
    lesson = Lesson(net, MethodSettings(), weight="real")
    for epoch in range(2):
        lesson.start_epoch(epoch, EPOCHS)
        with torch.no_grad():
            net[1].weight[epoch].neg_()
        assert lesson.metrics()["flips"] == 0.25
        assert lesson.metrics()["changed"] == 0.25 * (epoch + 1)


def test_the_share_of_weights_near_one_is_measured() -> None:
    net = network()
    lesson = Lesson(net, MethodSettings(), weight="real")
    with torch.no_grad():
        net[1].weight.fill_(-0.995)[:3].fill_(0.98)
    assert lesson.metrics()["near_one"] == 0.25


def test_signs_are_those_behind_the_transform() -> None:
    activation = BinaryActivation(bits=1, act_quant=SteActivation)
    net = Network(activation, BinaryConv2d(2, 4, 3, weight_quant=binary_weight("ir-net")))
    lesson = Lesson(net, MethodSettings(), weight="ir-net")
    lesson.start_epoch(0, EPOCHS)
    with torch.no_grad():
        net[1].weight.add_(100.0)
    assert lesson.metrics()["flips"] < 0.02


@pytest.mark.parametrize("harden_at", [None, 0.9])
def test_waiting_has_a_beginning(harden_at: float | None) -> None:
    with pytest.raises(BadInputError, match=r"method\.harden_by 0\.8 is not in \[harden_at, 1\), and harden_at is "):
        MethodSettings(harden_at=harden_at, harden_by=0.8)


def test_freezing_to_the_mean_is_by_filter() -> None:
    weight = nn.Parameter(torch.tensor([[0.5, -1.0], [0.25, 0.0]]))
    with pytest.warns(UserWarning, match="only 25.0% of the weights are binary"):
        freeze_signs([weight], keep_mean=True)
    assert weight.tolist() == [[0.75, -0.75], [0.125, 0.125]]


def test_weights_that_become_ripe_within_an_epoch_wait_for_the_next_also_in_a_resumed_training() -> None:
    net = network()
    lesson = Lesson(net, MethodSettings(harden_at=0.4, harden_by=0.8), weight="real")
    lesson.start_epoch(5, EPOCHS)
    with torch.no_grad():
        net[1].weight.copy_(signs_of(net[1].weight))
    lesson.start_epoch(5, EPOCHS, within=True)
    assert not is_hard(net)
    lesson.start_epoch(6, EPOCHS)
    assert is_hard(net)
