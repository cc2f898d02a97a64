"""APD's group of teachers and distribution distance."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torch.distributions import Normal, kl_divergence
from torch.nn import functional

from xnorflow.errors import BadInputError
from xnorflow.qat.distill.distribution import distribution_distance, gaussian_divergence, group_distillation
from xnorflow.qat.distill.logits import logit_distillation
from xnorflow.qat.distill.moments import StudentMap, moments, narrowed, quantiles

GENERATOR = torch.Generator().manual_seed(0)
STUDENT = torch.randn(40, 6, generator=GENERATOR) * 2 + 1
TEACHER = torch.randn(40, 6, generator=GENERATOR)
WIDE = torch.randn(40, 24, generator=GENERATOR)


def normal(features: torch.Tensor) -> Normal:
    x = features.double()
    return Normal(x.mean(0), x.std(0, correction=0) + 1e-5)


def test_closed_form_is_torchs_divergence_in_both_directions() -> None:
    for direction, (p, q) in {"student-teacher": (STUDENT, TEACHER), "teacher-student": (TEACHER, STUDENT)}.items():
        expected = float(kl_divergence(normal(p), normal(q)).mean())
        assert float(distribution_distance(STUDENT, [TEACHER], direction=direction)) == pytest.approx(expected, abs=1e-5)


def test_default_is_equation_4_as_printed() -> None:
    s, t = STUDENT.double().numpy(), TEACHER.double().numpy()
    (ms, ss), (mt, st) = ((x.mean(0), x.std(0) + 1e-5) for x in (s, t))
    expected = (np.log(st / ss) + (ss**2 - st**2 + (ms - mt) ** 2) / (2 * st**2)).mean()
    assert float(distribution_distance(STUDENT, [TEACHER])) == pytest.approx(expected, abs=1e-5)


def test_batch_division_is_exactly_the_batch_size() -> None:
    plain, divided = (distribution_distance(STUDENT, [TEACHER], per_sample=flag) for flag in (False, True))
    assert float(divided) == float(plain / 40)


@pytest.mark.parametrize("model", ["gaussian", "full"])
@pytest.mark.parametrize("direction", ["student-teacher", "teacher-student"])
def test_distance_is_zero_between_equals_positive_otherwise_and_trains_the_student_only(model: str, direction: str) -> None:
    assert float(distribution_distance(STUDENT, [STUDENT], model=model, direction=direction)) == pytest.approx(0, abs=1e-6)
    student, teacher = STUDENT.clone().requires_grad_(), TEACHER.clone().requires_grad_()
    loss = distribution_distance(student, [teacher], model=model, direction=direction)
    assert float(loss.detach()) > 0.05
    loss.backward()
    assert teacher.grad is None
    assert student.grad is not None
    assert torch.count_nonzero(student.grad) > 0


def test_full_model_tells_shapes_of_equal_moments_apart_and_the_gaussian_does_not() -> None:
    noise = torch.randn(2000, 1, generator=GENERATOR)
    normal_ = (noise - noise.mean()) / noise.std(correction=0)
    modes = torch.cat([torch.ones(1000, 1), -torch.ones(1000, 1)])
    assert float(distribution_distance(modes, [normal_])) == pytest.approx(0, abs=1e-6)
    assert float(distribution_distance(modes, [normal_], model="full")) > 0.3


def test_full_model_approaches_the_closed_form_on_gaussians() -> None:
    student, teacher = torch.randn(20_000, 1, generator=GENERATOR) * 0.8 + 0.3, torch.randn(20_000, 1, generator=GENERATOR)
    closed = float(distribution_distance(student, [teacher]))
    assert float(distribution_distance(student, [teacher], model="full")) == pytest.approx(closed, rel=0.35)


def test_features_are_averaged_over_positions() -> None:
    maps = torch.randn(8, 6, 3, 3, generator=GENERATOR)
    assert torch.equal(moments(maps).mean, moments(maps.mean((2, 3))).mean)


def test_pooling_averages_neighbouring_teacher_channels() -> None:
    assert torch.allclose(narrowed(WIDE, 6), WIDE.reshape(40, 6, 4).mean(2))
    expected = distribution_distance(STUDENT, [WIDE.reshape(40, 6, 4).mean(2)], match="none")
    assert float(distribution_distance(STUDENT, [WIDE])) == pytest.approx(float(expected), rel=1e-5)


def test_quantile_match_ignores_the_order_of_channels() -> None:
    order = torch.randperm(24, generator=GENERATOR)
    plain, shuffled = (distribution_distance(STUDENT, [features], match="quantile") for features in (WIDE, WIDE[:, order]))
    assert float(plain) == float(shuffled)
    assert float(distribution_distance(STUDENT.flip(1), [STUDENT], match="quantile")) == pytest.approx(0, abs=1e-6)
    np.testing.assert_allclose(quantiles(WIDE[0], 9), np.quantile(WIDE[0].numpy(), np.linspace(0, 1, 9)), rtol=1e-4, atol=1e-6)


def test_a_learned_map_widens_the_student() -> None:
    lift = StudentMap(6, 24)
    distribution_distance(lift(STUDENT), [WIDE], match="none").backward()
    assert lift.weight.grad is not None
    with pytest.raises(BadInputError, match="the student has 6 channels, the teacher 24"):
        distribution_distance(STUDENT, [WIDE], match="none")


def test_groups_average_or_take_the_first() -> None:
    each = [float(distribution_distance(STUDENT, [t])) for t in (TEACHER, WIDE)]
    assert float(distribution_distance(STUDENT, [TEACHER, WIDE])) == pytest.approx(sum(each) / 2, rel=1e-6)
    assert float(distribution_distance(STUDENT, [TEACHER, WIDE], group="first")) == pytest.approx(each[0])


def test_group_distillation_weighs_each_teacher() -> None:
    teachers = [TEACHER, TEACHER.flip(0)]
    losses = [float(logit_distillation(STUDENT, t)) for t in teachers]
    assert float(group_distillation(STUDENT, teachers)) == pytest.approx(sum(losses) / 2, rel=1e-6)
    assert float(group_distillation(STUDENT, teachers, [0.7, 0.1])) == pytest.approx(0.7 * losses[0] + 0.1 * losses[1], rel=1e-6)
    with pytest.raises(BadInputError, match="2 teachers and 1 weights"):
        group_distillation(STUDENT, teachers, [1.0])


def test_alpha_brings_the_distributions_nearer_in_equal_training() -> None:
    finals = {}
    for alpha in (0.0, 0.1):
        torch.manual_seed(0)
        points = torch.randn(256, 16)
        hidden = torch.tanh(points @ torch.randn(16, 32)) * 2
        logits = hidden @ torch.randn(32, 10)
        body, head = nn.Linear(16, 8), nn.Linear(8, 10)
        optimizer = torch.optim.Adam([*body.parameters(), *head.parameters()], lr=0.01)
        for _ in range(200):
            features = body(points)
            distance = distribution_distance(features, [hidden])
            optimizer.zero_grad()
            (group_distillation(head(features), [logits]) + alpha * distance).backward()
            optimizer.step()
        finals[alpha] = float(distance.detach())
    assert finals[0.1] <= 0.8 * finals[0.0]


def test_gaussian_divergence_survives_dead_channels() -> None:
    dead = torch.zeros(8, 3, requires_grad=True)
    loss = gaussian_divergence(moments(dead), moments(torch.zeros(8, 3))).sum()
    assert float(loss.detach()) == 0
    assert functional.relu(loss).isfinite()


def test_unusable_input_is_refused() -> None:
    with pytest.raises(BadInputError, match="two samples or more"):
        moments(torch.ones(1, 4))
    with pytest.raises(BadInputError, match="match 'crop' is not known; known are pool, quantile, none"):
        distribution_distance(STUDENT, [TEACHER], match="crop")
    with pytest.raises(BadInputError, match="no teacher"):
        distribution_distance(STUDENT, [])
