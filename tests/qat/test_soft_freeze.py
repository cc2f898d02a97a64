"""What is not binary yet does not freeze."""

from __future__ import annotations

import pytest

from xnorflow.errors import UnsupportedModelError
from xnorflow.models.layers import Network
from xnorflow.qat.freeze import freeze
from xnorflow.qat.injectors import binary_activation, binary_weight
from xnorflow.qat.layers import BinaryActivation, BinaryLinear


def network(weight: str, scale: str, activation: str) -> Network:
    return Network(BinaryActivation(bits=1, act_quant=binary_activation(activation)), BinaryLinear(8, 5, weight_quant=binary_weight(weight, scale)))


@pytest.mark.parametrize("weight", ["progressive", "tanh", "real"])
def test_soft_weights_do_not_freeze(weight: str) -> None:
    with pytest.raises(UnsupportedModelError, match=r"layer network\.1 is not binary yet"):
        freeze(network(weight, "none", "ste"))


def test_real_activations_do_not_freeze() -> None:
    with pytest.raises(UnsupportedModelError, match=r"layer network\.0 is not binary yet: its activations are tanh"):
        freeze(network("ste", "none", "tanh"))
