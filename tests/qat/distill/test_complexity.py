"""Knowledge complexity against the published table."""

from __future__ import annotations

import pytest

from xnorflow.errors import BadInputError
from xnorflow.qat.distill.complexity import Teacher, ranking

TABLE = [
    ("ResNet-34", 21.80, 73.31, 1.487),
    ("ResNet-50", 25.56, 76.13, 1.539),
    ("ResNet-101", 44.55, 77.37, 1.768),
    ("EfficientNet-B0", 5.29, 77.53, 0.893),
    ("EfficientNet-B2", 9.11, 78.06, 1.103),
    ("EfficientNet-B4", 19.34, 79.26, 1.405),
    ("ConvNeXt-T", 28.59, 82.52, 1.552),
    ("ConvNeXt-S", 50.22, 83.66, 1.786),
    ("ConvNeXt-B", 88.59, 84.06, 2.027),
    ("ResNeXt101-32x8d", 88.79, 79.32, 2.053),
]


@pytest.mark.parametrize(("name", "millions", "top1", "published"), TABLE)
def test_complexity_is_the_published_one(name: str, millions: float, top1: float, published: float) -> None:
    assert Teacher(name, round(millions * 1e6), top1 / 100).complexity == pytest.approx(published, abs=0.002)


def test_ranking_is_ascending() -> None:
    teachers = [Teacher(name, round(millions * 1e6), top1 / 100) for name, millions, top1, _ in TABLE]
    assert [teacher.name for teacher in ranking(teachers)] == [row[0] for row in sorted(TABLE, key=lambda row: row[3])]


def test_accuracy_in_percent_is_refused() -> None:
    with pytest.raises(BadInputError, match=r"teacher B0: 5290000 parameters, accuracy 77\.53; a fraction"):
        Teacher("B0", 5_290_000, 77.53)
