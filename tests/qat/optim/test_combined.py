"""Several optimisers as one."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from xnorflow.errors import BadInputError
from xnorflow.qat.optim.bop import Bop
from xnorflow.qat.optim.combined import CombinedOptimizer


def made() -> tuple[list[nn.Parameter], CombinedOptimizer]:
    torch.manual_seed(0)
    parameters = [nn.Parameter(torch.randn(20)), nn.Parameter(torch.randn(20))]
    return parameters, CombinedOptimizer([Bop(parameters[:1], lr=0.1, threshold=0.0), torch.optim.Adam(parameters[1:], lr=0.01)])


def step(parameters: list[nn.Parameter], optimizer: CombinedOptimizer, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)

    def closure() -> float:
        for parameter in parameters:
            parameter.grad = torch.randn(20, generator=generator)
        return 0.5

    assert optimizer.step(closure) == 0.5


def test_each_part_moves_its_own_parameters() -> None:
    parameters, optimizer = made()
    before = [parameter.detach().clone() for parameter in parameters]
    step(parameters, optimizer, 1)
    assert set(parameters[0].tolist()) == {-1.0, 1.0}
    assert not torch.equal(parameters[0], before[0])
    torch.testing.assert_close((parameters[1] - before[1]).abs(), torch.full((20,), 0.01), rtol=1e-3, atol=1e-5)


def test_one_schedule_reaches_every_part() -> None:
    _, optimizer = made()
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda epoch: 0.5**epoch)
    optimizer.step()
    scheduler.step()
    assert [group["lr"] for part in optimizer.parts for group in part.param_groups] == [0.05, 0.005]


def test_a_resumed_run_equals_an_uninterrupted_one() -> None:
    straight, optimizer = made()
    for seed in range(6):
        step(straight, optimizer, seed)
    first, optimizer = made()
    for seed in range(3):
        step(first, optimizer, seed)
    second, resumed = made()
    for target, source in zip(second, first, strict=True):
        target.data.copy_(source.data)
    resumed.load_state_dict(optimizer.state_dict())
    for seed in range(3, 6):
        step(second, resumed, seed)
    assert all(torch.equal(a, b) for a, b in zip(straight, second, strict=True))
    resumed.param_groups[1]["lr"] = 0.25
    assert resumed.parts[1].param_groups[0]["lr"] == 0.25


def test_overlapping_parts_and_foreign_states_are_refused() -> None:
    parameter = nn.Parameter(torch.ones(1))
    with pytest.raises(BadInputError, match="disjoint"):
        CombinedOptimizer([torch.optim.SGD([parameter], lr=1), torch.optim.SGD([parameter], lr=1)])
    _, optimizer = made()
    with pytest.raises(BadInputError, match="the state has 1 parts, 2 are expected"):
        optimizer.load_state_dict({"parts": [{}]})
