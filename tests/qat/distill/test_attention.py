"""Attention matching."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from xnorflow.errors import BadInputError
from xnorflow.qat.distill.attention import attention_matching

GENERATOR = torch.Generator().manual_seed(0)
STUDENTS = [torch.randn(3, c, 4, 5, generator=GENERATOR) for c in (6, 8)]
TEACHERS = [torch.randn(3, c, 4, 5, generator=GENERATOR) for c in (2, 9)]


def paper(students: list[Tensor], teachers: list[Tensor]) -> float:
    total = 0.0
    for layer in range(len(students)):
        for n in range(3):
            maps = []
            for features in (students[layer][n], teachers[layer][n]):
                q = (features.double().numpy() ** 2).sum(0).ravel()
                maps.append(q / np.sqrt((q**2).sum()))
            total += np.sqrt(((maps[0] - maps[1]) ** 2).sum()) / 3
    return total


def larq(students: list[Tensor], teachers: list[Tensor]) -> float:
    total = 0.0
    for layer in range(len(students)):
        for n in range(3):
            maps = []
            for features in (students[layer][n], teachers[layer][n]):
                q = (features.double().numpy() ** 2).mean(0).ravel()
                maps.append(q / q.max())
            total += ((maps[0] - maps[1]) ** 2).mean() / 3
    return total / len(students)


@pytest.mark.parametrize(("form", "oracle"), [("paper", paper), ("larq", larq)])
def test_loss_is_the_published_one(form: str, oracle) -> None:
    assert float(attention_matching(STUDENTS, TEACHERS, form)) == pytest.approx(oracle(STUDENTS, TEACHERS), rel=1e-5)


@pytest.mark.parametrize("form", ["paper", "larq"])
def test_scale_sign_and_order_of_channels_do_not_matter(form: str) -> None:
    changed = [-7.0 * features.flip(1) for features in TEACHERS]
    assert float(attention_matching(changed, TEACHERS, form)) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("form", ["paper", "larq"])
def test_empty_features_give_finite_gradients(form: str) -> None:
    student = torch.zeros(2, 3, 4, 4, requires_grad=True)
    attention_matching([student], [torch.zeros(2, 3, 4, 4)], form).backward()
    assert student.grad is not None
    assert torch.isfinite(student.grad).all()


def test_training_on_it_draws_the_maps_together_and_not_without() -> None:
    finals = {}
    for weight in (0.0, 1.0):
        torch.manual_seed(0)
        teacher, student = nn.Conv2d(3, 8, 3), nn.Sequential(nn.Conv2d(3, 8, 3), nn.Tanh())
        optimizer = torch.optim.Adam(student.parameters(), lr=0.02)
        images = torch.randn(64, 3, 10, 10)
        losses = []
        for _ in range(80):
            features = student(images)
            loss = attention_matching([features], [teacher(images)])
            losses.append(float(loss.detach()))
            optimizer.zero_grad()
            (weight * loss + 0.01 * features.square().mean()).backward()
            optimizer.step()
        finals[weight] = losses[-1]
        start = losses[0]
    assert finals[1.0] <= 0.65 * start
    assert finals[1.0] <= 0.7 * finals[0.0]


def test_mismatched_taps_are_refused() -> None:
    with pytest.raises(BadInputError, match="2 student and 1 teacher taps"):
        attention_matching(STUDENTS, TEACHERS[:1])
    with pytest.raises(BadInputError, match="equal but for C"):
        attention_matching([torch.ones(1, 2, 3, 3)], [torch.ones(1, 2, 4, 4)])
    with pytest.raises(BadInputError, match="form 'max' is not known"):
        attention_matching(STUDENTS, TEACHERS, "max")
