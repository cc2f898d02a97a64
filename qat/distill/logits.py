"""Logit distillation (Hinton et al. 2015)."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from xnorflow.errors import BadInputError

FORMS = ("divergence", "cross-entropy")


def soft_cross_entropy(student: Tensor, teacher: Tensor) -> Tensor:
    """``-sum softmax(teacher) * log_softmax(student)`` of each sample: logits ``(N, K)`` to ``(N,)``; no gradient to the teacher."""
    return -(functional.softmax(teacher.detach(), 1) * functional.log_softmax(student, 1)).sum(1)


def divergence_per_sample(student: Tensor, teacher: Tensor, temperature: float = 1.0) -> Tensor:
    """``T**2 * KL(softmax(teacher / T) || softmax(student / T))`` of each sample: logits ``(N, K)`` to ``(N,)``.

    The factor keeps the gradient's size independent of the temperature. No gradient to the teacher.

    Raises:
        BadInputError: shapes differ, or the temperature is not positive.
    """
    _check_shapes(student, teacher)
    check_options(temperature)
    target = functional.log_softmax(teacher.detach() / temperature, 1)
    log_student = functional.log_softmax(student / temperature, 1)
    return functional.kl_div(log_student, target, reduction="none", log_target=True).sum(1) * temperature**2


def logit_distillation(student: Tensor, teacher: Tensor, temperature: float = 1.0, form: str = "divergence") -> Tensor:
    """Batch mean of :func:`divergence_per_sample`; scalar. Zero exactly where both distributions agree (APD, Eq. 1, at temperature 1).

    ``cross-entropy`` adds the entropy of the teacher's distribution, times the squared temperature: the gradient is the same, the value
    is ReActNet's distributional loss (Liu et al. 2020, Eq. 7).

    Raises:
        BadInputError: shapes differ, the temperature is not positive, or the form is not known.
    """
    check_options(temperature, form)
    if form == "divergence":
        return divergence_per_sample(student, teacher, temperature).mean()
    _check_shapes(student, teacher)
    return soft_cross_entropy(student / temperature, teacher / temperature).mean() * temperature**2


def check_options(temperature: float, form: str = FORMS[0]) -> None:
    """Refuse a temperature that is not positive, and a form that is not known, by :class:`BadInputError`."""
    if not temperature > 0:
        raise BadInputError(f"logit distillation: temperature {temperature} is not positive")
    if form not in FORMS:
        raise BadInputError(f"logit distillation: form {form!r} is not known; known are {', '.join(FORMS)}")


def _check_shapes(student: Tensor, teacher: Tensor) -> None:
    if student.shape != teacher.shape or student.dim() != 2:
        raise BadInputError(f"student logits are {tuple(student.shape)}, teacher logits {tuple(teacher.shape)}; equal (samples, classes) are needed")
