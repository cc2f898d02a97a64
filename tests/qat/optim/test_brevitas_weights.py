"""A rule, real Brevitas weights and the freeze, from latents to a frozen network."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from xnorflow.models.layers import Network
from xnorflow.qat.binarisers.real import harden
from xnorflow.qat.freeze import freeze
from xnorflow.qat.injectors import binary_activation, binary_weight
from xnorflow.qat.latents import latent_weights
from xnorflow.qat.layers import BinaryActivation, BinaryLinear
from xnorflow.qat.optim.after_step import attach
from xnorflow.qat.optim.bnew import freeze_signs
from xnorflow.qat.optim.rules import weight_rule


def test_hardening_signs_changes_nothing_and_the_network_freezes() -> None:
    torch.manual_seed(0)
    points = torch.randn(256, 16)
    network = Network(
        BinaryActivation(bits=1, act_quant=binary_activation("approx-sign")),
        BinaryLinear(16, 4, weight_quant=binary_weight("real")),
        nn.BatchNorm1d(4),
    )
    weights = latent_weights(network)
    rule = weight_rule("bnew", {"rate": 0.1, "coupling": "none", "ramp": "share"})
    optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
    attach(optimizer, weights, rule)
    for epoch in range(15):
        rule.set_epoch(epoch, 15)
        for batch in points.split(32):
            optimizer.zero_grad()
            functional.cross_entropy(network(batch), batch[:, :4].argmax(1)).backward()
            optimizer.step()
    assert freeze_signs(weights) >= 0.99
    network.eval()
    with torch.no_grad():
        before = network(points)
        assert harden(network) == 1
        assert torch.equal(network(points), before)
        assert torch.equal(freeze(network)[1].weight, weights[0])
