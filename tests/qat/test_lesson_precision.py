"""Losses are computed in float32, whatever the network computes in."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from xnorflow.pixels import PixelNorm
from xnorflow.qat.lesson import Lesson
from xnorflow.qat.method import MethodSettings, TeacherSettings
from xnorflow.qat.teachers import Teacher
from xnorflow.qat.terms import TERMS, WeightedTerm

PLAIN = PixelNorm(mean=(0.5,), std=(0.5,))
PIXELS = torch.randint(0, 256, (8, 6, 6, 1), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def network(seed: int) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Conv2d(4, 6, 3), nn.ReLU(), nn.Flatten(), nn.Linear(24, 5))


def test_every_term_under_reduced_precision_is_the_float32_term_of_the_networks_outputs() -> None:
    settings = (TeacherSettings(stage="one"), TeacherSettings(stage="two"))
    teachers = tuple(Teacher(network(seed), PLAIN, 1, each, taps=("0", "2")) for seed, each in enumerate(settings, 1))
    method = MethodSettings(tuple(WeightedTerm(name) for name in TERMS.names), taps=("0", "2"), teachers=settings)
    student = network(0)
    lesson = Lesson(student, method, teachers=teachers)
    images, labels = lesson.teachers[0].pixels(PIXELS), torch.arange(8) % 5
    with torch.autocast("cpu", torch.bfloat16):
        logits = student(images)
        kept = lesson.taps.ordered()
        assert {logits.dtype, *(feature.dtype for feature in kept)} == {torch.bfloat16}
        half, halves = lesson.losses(PIXELS, logits, labels, 0, 1)
    for name, feature in zip(("0", "2"), kept, strict=True):
        lesson.taps.features[name] = feature.float()
    full, fulls = lesson.losses(PIXELS, logits.float(), labels, 0, 1)
    assert half.dtype == torch.float32
    assert float(half.detach()) == float(full.detach())
    assert {name: float(value) for name, value in halves.items()} == {name: float(value) for name, value in fulls.items()}
    assert float(full.detach()) == pytest.approx(sum(float(value) for value in fulls.values()), rel=1e-6)
