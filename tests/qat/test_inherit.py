"""Stages that start from an earlier one."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from xnorflow.errors import BadInputError
from xnorflow.models.layers import Network
from xnorflow.qat.binarisers.schedule import set_epoch
from xnorflow.qat.inherit import inherit
from xnorflow.qat.injectors import binary_activation, binary_weight
from xnorflow.qat.layers import BinaryActivation, BinaryConv2d


def stage(weight: str, activation: str, *, scale: str = "learned", channels: int = 4, padding_value: int = -1) -> Network:
    return Network(
        BinaryActivation(bits=1, act_quant=binary_activation(activation)),
        BinaryConv2d(3, channels, 3, padding=1, padding_value=padding_value, weight_quant=binary_weight(weight, scale)),
        nn.BatchNorm2d(channels),
    )


@pytest.mark.parametrize(
    ("before", "after"), [(("real", "tanh"), ("real", "ste")), (("real", "ste"), ("ste", "ste")), (("ede", "ede"), ("tanh", "rbnn"))]
)
def test_all_but_the_quantisers_state_is_inherited_bit_for_bit(before: tuple[str, str], after: tuple[str, str]) -> None:
    torch.manual_seed(0)
    first, second = stage(*before), stage(*after)
    set_epoch(first, 5, 10)
    with torch.no_grad():
        first[1].weight_quant.tensor_quant.scaling_impl.factor.uniform_()
        first(torch.randn(8, 3, 6, 6))
    own = {key: value.clone() for key, value in second.state_dict().items() if "binarizer_impl" in key}
    inherit(second, first)
    states = first.state_dict(), second.state_dict()
    shared = [key for key in states[1] if "binarizer_impl" not in key]
    assert len(shared) == 8
    assert all(torch.equal(states[0][key], states[1][key]) for key in shared)
    assert all(torch.equal(states[1][key], value) for key, value in own.items())


def test_a_scale_that_only_one_stage_learns_is_left_alone() -> None:
    second = stage("ste", "ste")
    inherit(second, stage("ste", "ste", scale="none"))
    assert torch.all(second[1].weight_quant.tensor_quant.scaling_impl.factor == 1)


def test_stages_that_differ_are_refused_and_left_alone() -> None:
    second = stage("ste", "ste")
    before = {key: value.clone() for key, value in second.state_dict().items()}
    with pytest.raises(BadInputError, match=r"is \(5,.*\) in the earlier stage, \(4,.*\) in this one"):
        inherit(second, stage("ste", "ste", channels=5))
    with pytest.raises(BadInputError, match="1 was trained with padding value 1, this stage has -1"):
        inherit(second, stage("ste", "ste", padding_value=1))
    with pytest.raises(BadInputError, match=r"the earlier stage lacks 2\.bias, this one has it"):
        inherit(second, stage("ste", "ste")[:2])
    assert all(torch.equal(before[key], value) for key, value in second.state_dict().items())
