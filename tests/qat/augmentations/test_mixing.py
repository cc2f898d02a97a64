from __future__ import annotations

import numpy as np
import pytest
import torch

from xnorflow.errors import BadInputError
from xnorflow.qat.augmentations.draws import Draws
from xnorflow.qat.augmentations.mixing import Cutmix, Mixup

IMAGES = torch.randint(0, 256, (6, 3, 8, 10), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
LABELS = torch.eye(6)


def batch(number: int) -> Draws:
    return Draws.of(0, 0, [number])


def test_mixup_is_the_rounded_mean_by_shares_of_an_image_and_the_one_before() -> None:
    for number in range(20):
        mixed, labels = Mixup(0.5).mix(IMAGES, LABELS, batch(number))
        share = float(labels[2, 2])
        assert labels[2, 1] == pytest.approx(1 - share, abs=1e-6)
        expected = np.rint(share * IMAGES[2].numpy() + (1 - share) * IMAGES[1].numpy())
        assert abs(mixed[2].numpy() - expected).max() <= 1
        assert (mixed[2].numpy() == expected).mean() > 0.99
        assert mixed.dtype == torch.uint8


def test_cutmix_replaces_a_box_whose_area_is_the_share() -> None:
    for number in range(20):
        mixed, labels = Cutmix().mix(IMAGES, LABELS, batch(number))
        other = (mixed[3] != IMAGES[3]).any(0)
        rows, columns = other.any(1).nonzero(), other.any(0).nonzero()
        if len(rows):
            box = (slice(None), slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1))
            assert torch.equal(mixed[3][box], IMAGES[2][box])
            assert labels[3, 2] == pytest.approx(mixed[3][box][0].numel() / 80, abs=1e-6)
        else:
            assert labels[3, 3] == 1


def test_the_shares_follow_the_beta_distribution() -> None:
    shares = [float(Mixup(0.2).mix(IMAGES[:, :, :1, :1], LABELS, batch(number))[1][0, 0]) for number in range(2000)]
    assert abs(np.mean(shares) - 0.5) < 0.04
    assert abs(np.var(shares) - 0.25 / 1.4) < 0.02


def test_a_probability_leaves_other_batches_alone() -> None:
    kept = [torch.equal(Mixup(1.0, 0.3).mix(IMAGES, LABELS, batch(number))[1], LABELS) for number in range(400)]
    assert abs(np.mean(kept) - 0.7) < 0.1


@pytest.mark.parametrize("alpha", [0.0, -1.0, float("inf"), float("nan")])
@pytest.mark.parametrize(("kind", "name"), [(Mixup, "mixup"), (Cutmix, "cutmix")])
def test_an_unusable_alpha_is_refused(kind: type, name: str, alpha: float) -> None:
    with pytest.raises(BadInputError, match=f"^{name}: alpha {alpha} is no finite positive value$"):
        kind(alpha)


def test_a_probability_of_zero_is_refused() -> None:
    with pytest.raises(BadInputError, match=r"^cutmix: probability 0\.0 is not in \(0, 1\]$"):
        Cutmix(1.0, 0.0)
