"""Distance of feature distributions, and the loss of a group of teachers (APD)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from xnorflow.errors import BadInputError
from xnorflow.qat.distill.logits import logit_distillation
from xnorflow.qat.distill.moments import Moments, moments, narrowed, pooled, quantiles
from xnorflow.qat.soft_histogram import divergence, soft_histogram

MATCHES = ("pool", "quantile", "none")
DIRECTIONS = ("student-teacher", "teacher-student")
MODELS = ("gaussian", "full")
GROUPS = ("mean", "first")


def group_distillation(student: Tensor, teachers: Sequence[Tensor], betas: Sequence[float] | None = None) -> Tensor:
    """``sum_i beta_i * KL(teacher_i || student)``, batch mean, temperature 1 (APD, Eq. 1 and 2).

    Args:
        student: logits ``(N, K)``.
        teachers: logits of each teacher, most accurate first.
        betas: weights; default ``1 / m`` each, since the paper gives none.

    Returns:
        Scalar; no gradient to the teachers.
    """
    weights = [1 / max(len(teachers), 1)] * len(teachers) if betas is None else list(betas)
    if not teachers or len(weights) != len(teachers):
        raise BadInputError(f"teacher group: {len(teachers)} teachers and {len(weights)} weights; one weight for each of one or more is needed")
    return torch.stack([beta * logit_distillation(student, teacher) for beta, teacher in zip(weights, teachers, strict=True)]).sum()


def gaussian_divergence(p: Moments, q: Moments) -> Tensor:
    """``KL(N_p || N_q)`` per channel, ``log(s_q / s_p) + (s_p**2 - s_q**2 + (m_p - m_q)**2) / (2 * s_q**2)``; shape ``(C,)``.

    With the student as ``p`` this is APD's Eq. 4 as printed, the reverse of the direction in its Eq. 3.
    """
    gap = p.deviation.square() - q.deviation.square() + (p.mean - q.mean).square()
    return torch.log(q.deviation / p.deviation) + gap / (2 * q.deviation.square())


def distribution_distance(
    student: Tensor,
    teachers: Sequence[Tensor],
    *,
    model: str = "gaussian",
    match: str = "pool",
    direction: str = "student-teacher",
    group: str = "mean",
    per_sample: bool = False,
) -> Tensor:
    """Channel mean of the divergence between the student's and the teachers' features over the batch (APD, Eq. 3 and 4).

    Args:
        student: features before the last layer, ``(N, C)`` or ``(N, C, H, W)`` (averaged over positions first).
        teachers: the same of each teacher; widths may differ.
        model: ``gaussian``, the second-order model of Eq. 4; ``full``, Eq. 3 on the batch's own distributions (soft
            histograms of each channel, standardised by the teacher's moments).
        match: ``pool``, average the teacher's neighbouring channels to the student's width; ``quantile``, compare sorted means
            and sorted deviations (Gaussian only); ``none``, widths are equal (use ``StudentMap`` for a learned match).
        direction: ``student-teacher`` is KL(student || teacher), Eq. 4 as printed; ``teacher-student`` is Eq. 3.
        group: ``mean`` over the teachers, or the ``first`` only.
        per_sample: divide by the batch size as printed in Eq. 4, which at 1696 all but switches the term off.

    Returns:
        Scalar; no gradient to the teachers.
    """
    check_options(model, match, direction, group)
    if not teachers:
        raise BadInputError("distribution distance: no teacher; one or more are needed")
    chosen = teachers if group == "mean" else teachers[:1]
    distances = []
    for teacher in chosen:
        mine, theirs = pooled(student), pooled(teacher.detach())
        if match == "pool":
            theirs = narrowed(theirs, mine.shape[1])
        distances.append(_gaussian(mine, theirs, match, direction) if model == "gaussian" else _full(mine, theirs, direction))
    total = torch.stack(distances).mean()
    return total / len(student) if per_sample else total


def _gaussian(student: Tensor, teacher: Tensor, match: str, direction: str) -> Tensor:
    mine, theirs = moments(student), moments(teacher)
    if match == "quantile":
        width = len(mine.mean)
        mine = Moments(mine.mean.sort().values, mine.deviation.sort().values)
        theirs = Moments(quantiles(theirs.mean, width), quantiles(theirs.deviation, width))
    _check_widths(len(mine.mean), len(theirs.mean))
    return (gaussian_divergence(mine, theirs) if direction == "student-teacher" else gaussian_divergence(theirs, mine)).mean()


def _full(student: Tensor, teacher: Tensor, direction: str) -> Tensor:
    _check_widths(student.shape[1], teacher.shape[1])
    frame = moments(teacher)
    mine, theirs = (soft_histogram(((x - frame.mean) / frame.deviation).T, bandwidth=0.3) for x in (student, teacher))
    return (divergence(mine, theirs) if direction == "student-teacher" else divergence(theirs, mine)).mean()


def _check_widths(student: int, teacher: int) -> None:
    if student != teacher:
        raise BadInputError(f"distribution distance: the student has {student} channels, the teacher {teacher}; match them by pool or a StudentMap")


def check_options(model: str, match: str, direction: str, group: str) -> None:
    """Refuse options that are not known by :class:`BadInputError`."""
    options = {"model": (model, MODELS), "match": (match, MATCHES), "direction": (direction, DIRECTIONS), "group": (group, GROUPS)}
    for name, (value, known) in options.items():
        if value not in known:
            raise BadInputError(f"distribution distance: {name} {value!r} is not known; known are {', '.join(known)}")
