"""Attention matching (Real-to-Binary)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from xnorflow.errors import BadInputError

FORMS = ("paper", "larq")
SMALL = 1e-12


def attention_matching(students: Sequence[Tensor], teachers: Sequence[Tensor], form: str = "paper") -> Tensor:
    """Distance of spatial attention maps, summed over tapped blocks (Martinez et al. 2020, Real-to-Binary, Eq. 2).

    ``paper``: ``Q = sum over channels of A**2``, divided by its L2 norm over all positions; the L2 norm (not squared) of the
    difference, mean over the batch, sum over taps. ``larq`` (larq-zoo's code): ``Q = mean over channels of A**2``, divided
    by its greatest value; squared differences averaged over batch and positions, mean over taps (there with weight 30).

    Args:
        students: features ``(N, C, H, W)`` of each tapped block.
        teachers: those of the corresponding blocks; channels may differ, the rest may not.
        form: ``paper`` or ``larq``.

    Returns:
        Scalar; no gradient to the teachers.

    Raises:
        BadInputError: numbers of taps or shapes differ, or the form is not known.
    """
    check_form(form)
    if len(students) != len(teachers) or not students:
        raise BadInputError(f"attention: {len(students)} student and {len(teachers)} teacher taps; equal numbers of one or more are needed")
    distance = _paper if form == "paper" else _larq
    terms = [distance(*_checked(s, t.detach())) for s, t in zip(students, teachers, strict=True)]
    total = torch.stack(terms)
    return total.sum() if form == "paper" else total.mean()


def check_form(form: str) -> None:
    """Refuse a form that is not known by :class:`BadInputError`."""
    if form not in FORMS:
        raise BadInputError(f"attention form {form!r} is not known; known are {', '.join(FORMS)}")


def _checked(student: Tensor, teacher: Tensor) -> tuple[Tensor, Tensor]:
    if student.dim() != 4 or teacher.dim() != 4 or student[:, 0].shape != teacher[:, 0].shape:
        raise BadInputError(f"attention: student features {tuple(student.shape)}, teacher's {tuple(teacher.shape)}; (N, C, H, W), equal but for C")
    return student, teacher


def _paper(student: Tensor, teacher: Tensor) -> Tensor:
    maps = [functional.normalize(features.square().sum(1).flatten(1), dim=1) for features in (student, teacher)]
    distance: Tensor = torch.linalg.vector_norm(maps[0] - maps[1], dim=1)
    return distance.mean()


def _larq(student: Tensor, teacher: Tensor) -> Tensor:
    flat = [features.square().mean(1).flatten(1) for features in (student, teacher)]
    maps = [each / each.amax(1, keepdim=True).clamp(min=SMALL) for each in flat]
    return (maps[0] - maps[1]).square().mean()
