"""Logit distillation."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from xnorflow.errors import BadInputError
from xnorflow.qat.distill.logits import logit_distillation, soft_cross_entropy

GENERATOR = torch.Generator().manual_seed(0)
STUDENT, TEACHER = (torch.randn(5, 4, generator=GENERATOR) * 3 for _ in range(2))


def softmax(x: np.ndarray) -> np.ndarray:
    powers = np.exp(x)
    return powers / powers.sum(1, keepdims=True)


@pytest.mark.parametrize("temperature", [1.0, 4.0])
def test_loss_is_the_scaled_divergence(temperature: float) -> None:
    p, q = (softmax(x.double().numpy() / temperature) for x in (TEACHER, STUDENT))
    expected = temperature**2 * (p * np.log(p / q)).sum(1).mean()
    assert float(logit_distillation(STUDENT, TEACHER, temperature)) == pytest.approx(expected, rel=1e-5)
    assert float(logit_distillation(TEACHER, TEACHER, temperature)) == 0


def test_soft_cross_entropy_is_divergence_plus_entropy() -> None:
    p, q = (softmax(x.double().numpy()) for x in (TEACHER, STUDENT))
    np.testing.assert_allclose(soft_cross_entropy(STUDENT, TEACHER), -(p * np.log(q)).sum(1), rtol=1e-5)


@pytest.mark.parametrize("temperature", [1.0, 4.0])
def test_the_distributional_loss_is_the_divergence_plus_a_constant_and_has_its_gradient(temperature: float) -> None:
    p = softmax(TEACHER.double().numpy() / temperature)
    entropy = -(p * np.log(p)).sum(1).mean() * temperature**2
    gradients = []
    for form, constant in (("divergence", 0.0), ("cross-entropy", entropy)):
        student = STUDENT.clone().requires_grad_()
        loss = logit_distillation(student, TEACHER, temperature, form)
        loss.backward()
        gradients.append(student.grad)
        assert float(loss.detach()) == pytest.approx(constant + float(logit_distillation(STUDENT, TEACHER, temperature)), rel=1e-5)
    torch.testing.assert_close(*gradients)


def test_only_the_student_gets_a_gradient_which_is_the_gap_of_probabilities() -> None:
    student, teacher = STUDENT.clone().requires_grad_(), TEACHER.clone().requires_grad_()
    logit_distillation(student, teacher).backward()
    assert teacher.grad is None
    np.testing.assert_allclose(student.grad, (softmax(STUDENT.numpy()) - softmax(TEACHER.numpy())) / 5, atol=1e-6)


def test_unequal_shapes_and_bad_temperatures_are_refused() -> None:
    with pytest.raises(BadInputError, match=r"student logits are \(5, 4\), teacher logits \(4, 4\)"):
        logit_distillation(STUDENT, TEACHER[:4])
    with pytest.raises(BadInputError, match="temperature 0"):
        logit_distillation(STUDENT, TEACHER, 0.0)
    with pytest.raises(BadInputError, match="form 'hinge' is not known; known are divergence, cross-entropy"):
        logit_distillation(STUDENT, TEACHER, form="hinge")
