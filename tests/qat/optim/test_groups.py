"""Parameter groups: every parameter once, kinds as documented, nothing silently empty or shared."""

from __future__ import annotations

import pytest
from torch import nn

from xnorflow.errors import BadInputError
from xnorflow.models import build
from xnorflow.qat.optim.build import build_optimiser
from xnorflow.qat.optim.groups import GroupSettings, parameter_groups
from xnorflow.qat.quantise import quantise
from xnorflow.qat.train_settings import TrainSettings


def network(name: str = "bnext-18") -> nn.Module:
    return quantise(build(name, input_shape=(3, 32, 32), num_classes=10, width=0.125))


def names(net: nn.Module, group: dict[str, list[nn.Parameter]]) -> set[str]:
    chosen = {id(parameter) for parameter in group["params"]}
    return {name for name, parameter in net.named_parameters() if id(parameter) in chosen}


def test_every_parameter_is_in_one_group_with_the_rate_and_decay_of_its_kind() -> None:
    net = network()
    settings = (GroupSettings("binary", 0.5, 1e-8), GroupSettings("norm", weight_decay=0.0), GroupSettings("bias", 0.0))
    groups = parameter_groups(net, settings, lr=0.01, weight_decay=1e-3)
    assert [(group["lr"], group["weight_decay"]) for group in groups] == [(0.005, 1e-8), (0.01, 0.0), (0.0, 1e-3), (0.01, 1e-3)]
    members = [names(net, group) for group in groups]
    assert sum(map(len, members)) == len(set().union(*members)) == len(list(net.named_parameters()))
    binary, norm, bias, others = members
    assert binary == {name for name in members[0] if name.endswith(".conv.weight") and name.startswith("stage")}
    assert len(binary) == 16
    assert {"stem.norm.weight", "stem.norm.bias", "stage1.0.0.norm2.bias"} <= norm
    assert {"head.fc.bias", "stage1.0.0.rsign.0.shift", "stage1.0.0.info_rcp.attention.excite.bias"} <= bias
    assert {"stem.conv.weight", "head.fc.weight", "head.activation.weight", "stage1.0.0.info_rcp.mix.share"} <= others


def test_four_dimensional_are_all_convolutions_and_one_value_a_channel() -> None:
    net = network()
    chosen, rest = (names(net, group) for group in parameter_groups(net, (GroupSettings("four-dimensional"),), lr=1, weight_decay=0))
    assert {"stem.conv.weight", "stage1.0.0.conv.weight", "stage1.0.0.rsign.0.shift", "stage1.0.0.info_rcp.mix.share"} <= chosen
    assert {"stage1.0.0.info_rcp.attention.squeeze.weight", "stage2.0.0.shortcut.1.weight"} <= chosen
    assert {"head.fc.weight", "stem.norm.weight", "stage1.0.0.prelu.weight", "stage1.0.0.info_rcp.attention.squeeze.bias"} <= rest


def test_without_groups_all_parameters_are_one_in_their_own_order() -> None:
    net = network()
    (group,) = parameter_groups(net, (), lr=1, weight_decay=0)
    assert [id(parameter) for parameter in group["params"]] == [id(parameter) for parameter in net.parameters()]


def test_a_group_of_everything_leaves_no_empty_one() -> None:
    norm = nn.BatchNorm1d(3)
    assert len(parameter_groups(norm, (GroupSettings("norm"),), lr=1, weight_decay=0)) == 1


@pytest.mark.parametrize(
    ("kinds", "message"),
    [
        (("binary",), "group binary matches no parameter of the network"),
        (("bias", "four-dimensional", "binary"), "group four-dimensional matches no parameter|group binary matches"),
    ],
)
def test_a_group_that_matches_nothing_is_refused_by_name(kinds: tuple[str, ...], message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        parameter_groups(nn.Sequential(nn.Linear(2, 2)), tuple(map(GroupSettings, kinds)), lr=1, weight_decay=0)


def test_groups_that_overlap_are_refused_by_parameter() -> None:
    with pytest.raises(BadInputError, match=r"stage1\.0\.0\.conv\.weight is in the groups binary and four-dimensional; a parameter may be in one"):
        parameter_groups(network(), (GroupSettings("binary"), GroupSettings("four-dimensional")), lr=1, weight_decay=0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("conv",), "kind 'conv' is not known; known are binary, norm, bias, four-dimensional"),
        (("norm", -1.0), r"norm has lr -1\.0 and weight_decay None; finite ones from 0 are accepted"),
        (("norm", 1.0, -1e-4), "finite ones from 0 are accepted"),
        (("norm", float("nan")), "finite ones from 0 are accepted"),
    ],
)
def test_a_group_that_means_nothing_is_refused(arguments: tuple[str, float, float], message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        GroupSettings(*arguments)


@pytest.mark.parametrize(
    ("given", "kind", "found"),
    [
        ({"optimiser": "adam", "betas": (0.8, 0.99)}, "Adam", {"betas": (0.8, 0.99)}),
        ({"optimiser": "adamw", "weight_decay": 0.1}, "AdamW", {"weight_decay": 0.1}),
        ({"optimiser": "sgd", "momentum": 0.5, "nesterov": True}, "SGD", {"momentum": 0.5, "nesterov": True}),
    ],
)
def test_the_optimiser_is_the_settings(given: dict[str, object], kind: str, found: dict[str, object]) -> None:
    optimiser = build_optimiser(nn.Linear(2, 2), TrainSettings(1, **given))
    assert type(optimiser).__name__ == kind
    assert found.items() <= optimiser.param_groups[0].items()
