"""Consecutive distillation: a strong teacher, and assistants that take turns (BNext)."""

from __future__ import annotations

import torch
from torch import Tensor

from xnorflow.errors import BadInputError
from xnorflow.qat.distill.logits import divergence_per_sample, soft_cross_entropy

FORMS = ("paper", "code")


def teacher_weights(student: Tensor, strong: Tensor, assistant: Tensor, sign: int = -1) -> Tensor:
    """Share of each teacher in each sample's loss: softmax over the two of ``sign * CE(student, teacher)`` (BNext, consecutive distillation).

    With -1 (the paper) the teacher that the student already agrees with weighs more, with +1 (its public code) the other.

    Args:
        student: logits ``(N, K)``.
        strong: logits of the strong teacher, ``(N, K)``.
        assistant: logits of the assistant, ``(N, K)``.
        sign: -1 or +1.

    Returns:
        ``(N, 2)``, strong teacher first; rows sum to 1; no gradient.
    """
    check_options(sign)
    agreement = torch.stack([soft_cross_entropy(student, teacher) for teacher in (strong, assistant)], 1)
    return torch.softmax(sign * agreement.detach(), 1)


def consecutive_distillation(student: Tensor, strong: Tensor, assistant: Tensor, *, sign: int = -1, form: str = "paper") -> Tensor:
    """Weighted distillation from both teachers.

    ``paper``: batch mean of ``w0 * KL(strong || student) + w1 * KL(assistant || student)``, per sample.
    ``code`` (the public repository): ``0.5 * mean over samples of sum_i w_i * L_i`` with each ``L_i`` the *batch mean* of the soft
    cross-entropy, since a mode string there is spelt two ways.

    Args:
        student: logits ``(N, K)``.
        strong: logits of the strong teacher, ``(N, K)``.
        assistant: logits of the assistant, ``(N, K)``.
        sign: of the weights, see :func:`teacher_weights`; the repository uses +1.
        form: ``paper`` or ``code``.

    Returns:
        Scalar; gradient to the student only, none through the weights.
    """
    check_options(sign, form)
    weights = teacher_weights(student, strong, assistant, sign)
    if form == "code":
        losses = torch.stack([soft_cross_entropy(student, teacher).mean() for teacher in (strong, assistant)])
        return 0.5 * (weights * losses).sum(1).mean()
    samples = torch.stack([divergence_per_sample(student, teacher) for teacher in (strong, assistant)], 1)
    return (weights * samples).sum(1).mean()


def check_options(sign: int, form: str = FORMS[0]) -> None:
    """Refuse a sign that is not -1 or +1, and a form that is not known, by :class:`BadInputError`."""
    if sign not in (-1, 1):
        raise BadInputError(f"consecutive distillation: sign {sign} is neither -1 nor +1")
    if form not in FORMS:
        raise BadInputError(f"consecutive distillation: form {form!r} is not known; known are {', '.join(FORMS)}")


def assistant_index(epoch: int, epochs: int, assistants: int) -> int:
    """Which assistant teaches in ``epoch`` (0 first): the first from epoch 0, the next every ``epochs / assistants`` (BNext, Algorithm 2).

    The algorithm's own test would leave the first assistant at once and run past the last; both are guarded.
    """
    if epochs < 1 or assistants < 1 or not 0 <= epoch < epochs:
        raise BadInputError(f"assistant of epoch {epoch} of {epochs} with {assistants} assistants does not exist")
    return epoch * assistants // epochs


def switch_epochs(epochs: int, assistants: int) -> tuple[int, ...]:
    """Epochs (0 first) that begin with another assistant than the one before."""
    return tuple(e for e in range(1, epochs) if assistant_index(e, epochs, assistants) != assistant_index(e - 1, epochs, assistants))
