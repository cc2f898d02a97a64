"""How near weights are to two modes, for logs."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor
from torch.nn import functional

from xnorflow.qat.estimators import sign

NEAR_ONE = 0.99


def cosine_to_sign(weight: Tensor) -> float:
    """Cosine of the angle between a weight tensor and its sign, 1 when all magnitudes are equal; ``mean|w| / rms(w)``."""
    flat = weight.detach().flatten()
    return float(functional.cosine_similarity(flat, sign(flat), dim=0))


def near_one_share(weights: Sequence[Tensor]) -> float:
    """Share of all weights of one or more tensors with ``|w| > 0.99``."""
    near = sum(int((weight.detach().abs() > NEAR_ONE).sum()) for weight in weights)
    return near / sum(weight.numel() for weight in weights)
