"""Weight rules by name."""

from __future__ import annotations

import pytest
import torch

from xnorflow.errors import BadInputError
from xnorflow.qat.optim.rules import RULES, weight_rule


def test_every_rule_acts_with_its_arguments() -> None:
    results = {}
    for name, arguments in {
        "latent-clip": {"limit": 0.5},
        "bnew": {"rate": 0.2, "coupling": "none", "ramp": "share", "exact": True},
        "proxquant": {"rate": 0.2, "norm": "l2", "coupling": "none", "ramp": "share"},
    }.items():
        weight = torch.tensor([-0.6, 0.3], dtype=torch.float64)
        rule = weight_rule(name, arguments)
        rule.set_epoch(9, 10)
        rule.apply(weight, 0.1)
        results[name] = weight.tolist()
    assert set(results) == set(RULES.names)
    assert results["latent-clip"] == [-0.5, 0.3]
    assert results["bnew"] == pytest.approx([-1.0, 0.5])
    assert results["proxquant"] == pytest.approx([-0.8 / 1.2, 0.5 / 1.2])


def test_unknown_rules_and_values_are_refused() -> None:
    with pytest.raises(BadInputError, match="rule: weight rule 'bop' is not known; known are latent-clip, bnew, proxquant"):
        weight_rule("bop", {})
    with pytest.raises(BadInputError, match="norm 'l3' is not known"):
        weight_rule("proxquant", {"rate": 0.1, "norm": "l3"})
