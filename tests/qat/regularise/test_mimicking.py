"""Weight-distribution mimicking."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from xnorflow.errors import BadInputError
from xnorflow.qat.regularise.kurtosis import kurtosis
from xnorflow.qat.regularise.mimicking import histogram_divergence, mimicking_loss

GENERATOR = torch.Generator().manual_seed(0)
STUDENT = torch.randn(8, 4, 3, 3, generator=GENERATOR) * 0.1
SIGNS = torch.where(torch.rand(8, 4, 3, 3, generator=GENERATOR) < 0.5, -1.0, 1.0)
TEACHER = 0.3 * SIGNS + 0.06 * torch.randn(8, 4, 3, 3, generator=GENERATOR)


def shares(weight: torch.Tensor) -> np.ndarray:
    w = weight.double().numpy().ravel()
    w = (w - w.mean()) / w.std(ddof=1)
    mass = np.exp(-((w[:, None] - np.linspace(-3, 3, 64)) ** 2) / (2 * 0.1**2)).sum(0)
    mass = mass / mass.sum() + 1e-6
    return mass / mass.sum()


def test_histogram_divergence_is_the_written_out_one() -> None:
    p, q = shares(TEACHER), shares(STUDENT)
    assert float(histogram_divergence(STUDENT, TEACHER)) == pytest.approx((p * np.log(p / q)).sum(), rel=1e-4)


def test_softmax_and_raw_variants_are_those_of_the_public_code() -> None:
    t, s = (w.double().numpy() for w in (TEACHER, STUDENT))
    p, q = (np.exp(w / 6) / np.exp(w / 6).sum(1, keepdims=True) for w in (t, s))
    assert float(mimicking_loss([STUDENT], [TEACHER], variant="softmax")) == pytest.approx(36 * (p * np.log(p / q)).sum() / 8, rel=1e-3)
    assert float(mimicking_loss([STUDENT], [TEACHER], variant="raw")) == pytest.approx((np.exp(t) * (t - s)).mean(), rel=1e-4)


def test_raw_weights_are_no_distributions_the_variant_goes_negative() -> None:
    assert float(mimicking_loss([TEACHER + 0.2], [TEACHER], variant="raw")) < -0.1
    for variant in ("histogram", "softmax"):
        for scale in (0.1, 1.0, 3.0):
            assert float(mimicking_loss([STUDENT * scale + 0.2], [TEACHER], variant=variant)) >= 0


def test_equal_weights_are_finitely_far_from_a_teacher() -> None:
    distance = float(histogram_divergence(torch.ones(8, 4), TEACHER))
    assert 0 < distance < 100


def test_histograms_see_neither_scale_nor_offset_nor_order_nor_size() -> None:
    order = torch.randperm(TEACHER.numel(), generator=GENERATOR)
    moved = (5 * TEACHER - 1).flatten()[order]
    assert float(histogram_divergence(moved, TEACHER)) == pytest.approx(0, abs=1e-6)
    assert float(histogram_divergence(moved.repeat(2), TEACHER)) == pytest.approx(0, abs=1e-3)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_training_on_it_gives_the_students_weights_the_teachers_shape(seed: int) -> None:
    finals = {}
    for beta in (0.0, 1.0):
        torch.manual_seed(seed)
        student = (torch.randn(12, 8, 3, 3) * 0.05).requires_grad_()
        goal = torch.randn(12, 8, 3, 3) * 0.05
        optimizer = torch.optim.Adam([student], lr=2e-3)
        track = []
        for _ in range(150):
            loss = mimicking_loss([student], [TEACHER])
            track.append(float(loss.detach()))
            optimizer.zero_grad()
            (0.1 * (student - goal).square().sum() + beta * loss).backward()
            optimizer.step()
        finals[beta] = track[-1], float(kurtosis(student.detach()))
        start = track[0]
        assert min(track) >= 0
    assert finals[1.0][0] <= 0.1 * start
    assert finals[0.0][0] >= 0.9 * start
    assert finals[1.0][1] < 2.2 < finals[0.0][1]


def test_layers_are_summed_or_averaged_and_the_teacher_gets_no_gradient() -> None:
    student, teacher = STUDENT.clone().requires_grad_(), TEACHER.clone().requires_grad_()
    total = mimicking_loss([student, student], [teacher, teacher])
    assert float(total.detach()) == pytest.approx(2 * float(mimicking_loss([STUDENT, STUDENT], [TEACHER, TEACHER], reduction="mean")))
    total.backward()
    assert teacher.grad is None
    assert student.grad is not None


def test_unusable_input_is_refused() -> None:
    with pytest.raises(BadInputError, match="1 student and 2 teacher layers"):
        mimicking_loss([STUDENT], [TEACHER, TEACHER])
    with pytest.raises(BadInputError, match=r"layer 0 is \(8, 4, 3, 3\), the teacher's \(4, 4, 3, 3\); softmax needs equal shapes"):
        mimicking_loss([STUDENT], [TEACHER[:4]], variant="softmax")
    with pytest.raises(BadInputError, match="variant 'kl'"):
        mimicking_loss([STUDENT], [TEACHER], variant="kl")
