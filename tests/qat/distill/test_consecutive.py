"""Consecutive distillation."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from xnorflow.errors import BadInputError
from xnorflow.qat.distill.consecutive import assistant_index, consecutive_distillation, switch_epochs, teacher_weights

GENERATOR = torch.Generator().manual_seed(0)
STUDENT, STRONG, ASSISTANT = (torch.randn(6, 5, generator=GENERATOR) * 2 for _ in range(3))


def probabilities(x: torch.Tensor) -> np.ndarray:
    powers = np.exp(x.double().numpy())
    return powers / powers.sum(1, keepdims=True)


def entropies(student: torch.Tensor, teacher: torch.Tensor) -> np.ndarray:
    return -(probabilities(teacher) * np.log(probabilities(student))).sum(1)


@pytest.mark.parametrize("sign", [-1, 1])
def test_weights_are_a_softmax_over_teachers_and_sum_to_one(sign: int) -> None:
    weights = teacher_weights(STUDENT, STRONG, ASSISTANT, sign)
    powers = np.exp(sign * np.stack([entropies(STUDENT, STRONG), entropies(STUDENT, ASSISTANT)], 1))
    np.testing.assert_allclose(weights, powers / powers.sum(1, keepdims=True), rtol=1e-5)
    np.testing.assert_allclose(weights.sum(1), 1, atol=1e-6)


@pytest.mark.parametrize("sign", [-1, 1])
def test_loss_is_the_written_out_sum(sign: int) -> None:
    weights = teacher_weights(STUDENT, STRONG, ASSISTANT, sign).double().numpy()
    expected, code = 0.0, 0.0
    for index, teacher in enumerate((STRONG, ASSISTANT)):
        p, q = probabilities(teacher), probabilities(STUDENT)
        expected += (weights[:, index] * (p * np.log(p / q)).sum(1)).mean()
        code += 0.5 * (weights[:, index] * entropies(STUDENT, teacher).mean()).mean()
    assert float(consecutive_distillation(STUDENT, STRONG, ASSISTANT, sign=sign)) == pytest.approx(expected, rel=1e-5)
    assert float(consecutive_distillation(STUDENT, STRONG, ASSISTANT, sign=sign, form="code")) == pytest.approx(code, rel=1e-5)


def test_the_teacher_the_student_agrees_with_weighs_more_by_default() -> None:
    assert torch.all(teacher_weights(STRONG, 1.5 * STRONG, -STRONG)[:, 0] > 0.5)
    assert torch.all(teacher_weights(STRONG, 1.5 * STRONG, -STRONG, 1)[:, 0] < 0.5)


def test_weight_of_a_better_teacher_rises_in_training_and_only_with_the_papers_sign() -> None:
    torch.manual_seed(0)
    points = torch.randn(512, 16)
    strong = 2 * points @ torch.randn(16, 10)
    assistant = torch.randn(512, 10) * 4
    shares = {}
    for sign in (-1, 1):
        torch.manual_seed(1)
        student = nn.Linear(16, 10)
        optimizer = torch.optim.Adam(student.parameters(), lr=0.05)
        track = []
        for _ in range(120):
            logits = student(points)
            track.append(float(teacher_weights(logits, strong, assistant, sign)[:, 0].mean()))
            optimizer.zero_grad()
            consecutive_distillation(logits, strong, assistant, sign=sign).backward()
            optimizer.step()
        shares[sign] = track[0], track[-1], float((student(points).argmax(1) == strong.argmax(1)).float().mean())
    assert shares[-1][1] > shares[-1][0] + 0.1
    assert shares[1][1] < shares[1][0] + 0.1
    assert shares[-1][2] >= shares[1][2]


def test_assistants_switch_at_exact_epochs() -> None:
    assert switch_epochs(16, 2) == (8,)
    assert switch_epochs(12, 4) == (3, 6, 9)
    assert switch_epochs(512, 3) == (171, 342)
    assert switch_epochs(5, 1) == ()
    assert [assistant_index(epoch, 6, 3) for epoch in range(6)] == [0, 0, 1, 1, 2, 2]


@pytest.mark.parametrize(("epoch", "epochs", "assistants"), [(6, 6, 2), (-1, 6, 2), (0, 6, 0)])
def test_impossible_epochs_are_refused(epoch: int, epochs: int, assistants: int) -> None:
    with pytest.raises(BadInputError, match="does not exist"):
        assistant_index(epoch, epochs, assistants)


def test_unknown_sign_and_form_are_refused() -> None:
    with pytest.raises(BadInputError, match="sign 0 is neither"):
        teacher_weights(STUDENT, STRONG, ASSISTANT, 0)
    with pytest.raises(BadInputError, match="form 'repo' is not known"):
        consecutive_distillation(STUDENT, STRONG, ASSISTANT, form="repo")
