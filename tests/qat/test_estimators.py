from __future__ import annotations

import pytest
import torch
from torch import nn

from xnorflow.errors import BadInputError
from xnorflow.qat.estimators import ApproxSign, SteSign, sign

X = [-2.0, -1.5, -1.25, -1.0, -0.5, -0.25, 0.0, 0.25, 0.5, 1.0, 1.25, 1.5, 2.0]
ESTIMATORS = [SteSign(1.0), SteSign(1.25), SteSign(1.5), ApproxSign()]


def gradient(estimator: nn.Module, upstream: float = 1.0) -> list[float]:
    x = torch.tensor(X, requires_grad=True)
    (upstream * estimator(x)).sum().backward()
    assert x.grad is not None
    return x.grad.tolist()


@pytest.mark.parametrize(
    ("estimator", "expected"),
    [
        (SteSign(1.0), [0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0]),
        (SteSign(1.25), [0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0]),
        (SteSign(1.5), [0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0]),
        (ApproxSign(), [0, 0, 0, 0, 1, 1.5, 2, 1.5, 1, 0, 0, 0, 0]),
    ],
)
def test_the_gradient_is_the_published_one(estimator: nn.Module, expected: list[float]) -> None:
    assert gradient(estimator) == expected
    assert gradient(estimator, -3.0) == [-3.0 * g for g in expected]


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_forward_is_the_sign_with_plus_one_at_both_zeros(estimator: nn.Module) -> None:
    x = torch.tensor([0.0, -0.0, 1e-45, -1e-45, 3.0, -3.0])
    assert estimator(x).tolist() == [1.0, 1.0, 1.0, -1.0, 1.0, -1.0]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_value_and_gradient_keep_the_dtype(dtype: torch.dtype) -> None:
    assert sign(torch.zeros(1, dtype=dtype)).dtype == dtype
    for estimator in ESTIMATORS:
        x = torch.tensor(X, dtype=dtype, requires_grad=True)
        estimator(x).sum().backward()
        assert x.grad is not None
        assert x.grad.dtype == dtype
        assert x.grad.tolist() == gradient(estimator)


def test_sign_takes_strided_tensors_and_lets_no_gradient_through() -> None:
    x = torch.arange(-6.0, 6.0).reshape(3, 4).requires_grad_()
    assert sign(x.T).tolist() == [[-1.0, -1.0, 1.0]] * 2 + [[-1.0, 1.0, 1.0]] * 2
    assert not sign(x).requires_grad


def test_a_clip_that_passes_nothing_is_refused() -> None:
    with pytest.raises(BadInputError, match=r"clip 0\.0 is not positive"):
        SteSign(0.0)
