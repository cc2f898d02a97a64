"""Feature taps."""

from __future__ import annotations

import pytest
import torch
from brevitas.nn import QuantIdentity
from torch import nn

from xnorflow.errors import BadInputError
from xnorflow.qat.taps import FeatureTaps


def network() -> nn.Sequential:
    return nn.Sequential(nn.Linear(4, 5), nn.Sequential(nn.ReLU(), nn.Linear(5, 3)), nn.Tanh())


def test_taps_give_the_features_in_running_order_with_gradient() -> None:
    net, x = network(), torch.randn(2, 4)
    with FeatureTaps(net, ["1", "0"]) as taps:
        out = net(x)
    assert taps.ordered() == []
    taps = FeatureTaps(net, ["1", "0"])
    assert torch.equal(net(x), out)
    first, second = taps.ordered()
    assert torch.equal(first, net[0](x))
    assert torch.equal(second, net[1](first))
    second.sum().backward()
    assert net[0].weight.grad is not None


def test_closed_taps_change_nothing() -> None:
    net = network()
    taps = FeatureTaps(net, ["0"])
    taps.close()
    net(torch.randn(1, 4))
    assert taps.features == {}


def test_an_unknown_tap_names_the_known() -> None:
    with pytest.raises(BadInputError, match=r"tap 'layer4' is no module of the network; its modules are 0, 1, 1\.0"):
        FeatureTaps(network(), ["layer4"])


def test_an_unknown_tap_names_no_module_of_brevitas() -> None:
    net = nn.Sequential(QuantIdentity(), nn.ReLU())
    with pytest.raises(BadInputError, match=r"its modules are 0, 1$"):
        FeatureTaps(net, ["2"])
