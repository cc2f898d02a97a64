"""Weight-distribution mimicking: the student's weights take the shape of the teacher's (BD-BNN)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from xnorflow.errors import BadInputError
from xnorflow.qat.soft_histogram import divergence, soft_histogram

SOFT_TEMPERATURE = 6.0
SMALL = 1e-12
REDUCTIONS = ("sum", "mean")


def histogram_divergence(student: Tensor, teacher: Tensor) -> Tensor:
    """``KL(D(teacher) || D(student))`` of the soft histograms of two standardised weight tensors; scalar, at least 0.

    Standardised, because a sign sees no scale: 64 Gaussian bins of bandwidth 0.1 over [-3, 3]. The sizes may differ.
    """
    rows = [((w - w.mean()) / w.std(correction=min(w.numel() - 1, 1)).clamp(min=SMALL)).reshape(1, -1) for w in (teacher.detach(), student)]
    target, mine = (soft_histogram(row) for row in rows)
    return divergence(target, mine)[0]


def softmax_divergence(student: Tensor, teacher: Tensor) -> Tensor:
    """``T**2 * KL(softmax(teacher / T) || softmax(student / T))`` over dimension 1, T = 6 (public CIFAR code); equal shapes.

    Summed and divided by the number of filters. A divergence, but nearly blind to the shape of the weights' histogram.
    """
    target = functional.log_softmax(teacher.detach() / SOFT_TEMPERATURE, 1)
    mine = functional.log_softmax(student / SOFT_TEMPERATURE, 1)
    return functional.kl_div(mine, target, reduction="batchmean", log_target=True) * SOFT_TEMPERATURE**2


def raw_divergence(student: Tensor, teacher: Tensor) -> Tensor:
    """``mean(exp(teacher) * (teacher - student))`` on the weights themselves (public ImageNet code); equal shapes.

    Weights are no log-probabilities: it goes below zero without bound and ruins training. Here for comparison only.
    """
    target = teacher.detach()
    return (target.exp() * (target - student)).mean()


VARIANTS = {"histogram": histogram_divergence, "softmax": softmax_divergence, "raw": raw_divergence}


def mimicking_loss(students: Sequence[Tensor], teachers: Sequence[Tensor], *, variant: str = "histogram", reduction: str = "sum") -> Tensor:
    """Distance of weight distributions over layers (BD-BNN).

    Args:
        students: weights of each layer.
        teachers: weights of the corresponding layers.
        variant: ``histogram``, ``softmax`` or ``raw``, see the functions of these names.
        reduction: ``sum`` over layers as in the paper, or their ``mean``.

    Returns:
        Scalar; no gradient to the teachers.

    Raises:
        BadInputError: numbers of layers differ, shapes differ where they may not, or an option is not known.
    """
    check_options(variant, reduction)
    if not students or len(students) != len(teachers):
        raise BadInputError(f"mimicking: {len(students)} student and {len(teachers)} teacher layers; equal numbers of one or more are needed")
    for index, (student, teacher) in enumerate(zip(students, teachers, strict=True)):
        if variant != "histogram" and student.shape != teacher.shape:
            raise BadInputError(
                f"mimicking: layer {index} is {tuple(student.shape)}, the teacher's {tuple(teacher.shape)}; {variant} needs equal shapes"
            )
    total = torch.stack([VARIANTS[variant](s, t) for s, t in zip(students, teachers, strict=True)])
    return total.sum() if reduction == "sum" else total.mean()


def check_options(variant: str, reduction: str) -> None:
    """Refuse options that are not known by :class:`BadInputError`."""
    if variant not in VARIANTS or reduction not in REDUCTIONS:
        raise BadInputError(f"mimicking: variant {variant!r}, reduction {reduction!r}; known are {', '.join(VARIANTS)} and {', '.join(REDUCTIONS)}")
