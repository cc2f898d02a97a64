from __future__ import annotations

import pytest
import torch

from xnorflow.errors import BadInputError
from xnorflow.qat.terms import Observation, TermSum, WeightedTerm

LOGITS = torch.randn(5, 4, generator=torch.Generator().manual_seed(0))
LABELS = torch.tensor([0, 1, 2, 3, 1])
ONE_HOT = torch.nn.functional.one_hot(LABELS, 4).float()


def loss(name: str, labels: torch.Tensor, **arguments: float) -> torch.Tensor:
    return TermSum([WeightedTerm(name, arguments=arguments)])(Observation(LOGITS, labels))[0]


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_cross_entropy_of_shares_is_the_share_weighted_sum_of_those_of_the_labels(smoothing: float) -> None:
    shares = 0.3 * ONE_HOT + 0.7 * ONE_HOT.roll(1, 0)
    parts = 0.3 * loss("cross-entropy", LABELS, smoothing=smoothing) + 0.7 * loss("cross-entropy", LABELS.roll(1, 0), smoothing=smoothing)
    assert torch.allclose(loss("cross-entropy", shares, smoothing=smoothing), parts)


def test_squared_hinge_refuses_shares_in_one_line() -> None:
    with pytest.raises(BadInputError, match=r"^squared-hinge takes one label an image; mixup and cutmix .*cross-entropy takes$"):
        loss("squared-hinge", ONE_HOT)
