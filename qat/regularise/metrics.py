"""How near weights are to two modes, for logs."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from xnorflow.qat.estimators import sign


def cosine_to_sign(weight: Tensor) -> float:
    """Cosine of the angle between a weight tensor and its sign, 1 when all magnitudes are equal; ``mean|w| / rms(w)``."""
    flat = weight.detach().flatten()
    return float(functional.cosine_similarity(flat, sign(flat), dim=0))


def near_one_share(weight: Tensor, limit: float = 0.99) -> float:
    """Share of the weights with ``|w| > limit``."""
    return float((weight.detach().abs() > limit).double().mean())
