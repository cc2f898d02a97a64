"""Kurtosis regulariser: weights of two modes (BD-BNN)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from xnorflow.errors import BadInputError

UNIFORM = (1.8,)  # what a uniform distribution has; the public code's target for a student
# Per-layer targets of the public code: 19, as many as a ResNet-18 has convolutions behind the first; a ResNet-20 has 18 without and
# 20 with convolutions on its skip paths.
TARGETS: dict[str, tuple[float, ...]] = {
    "imagenet-resnet18": (1.8, *[1.4] * 4, 1.2, 1.4, *[1.2] * 2, *[1.4] * 3, *[1.2] * 4, 1.4, 1.0, 1.0),
    "cifar": (*[1.4] * 14, *[1.8] * 4, 2.2),
    "teacher-student": (*[1.8] * 6, 1.4, *[1.8] * 3, *[1.4] * 4, 1.8, 1.2, 1.4, 1.2, 1.2),
}


def kurtosis(weight: Tensor) -> Tensor:
    """``mean(((w - mean) / std)**4)`` of a whole tensor, unbiased deviation; scalar, 3 for a Gaussian, 1.8 for a uniform.

    Its minimum is 1, reached by two equal modes; a published target of -1.2 can only mean the excess over 3 of a uniform. Of equal
    values it is 0, which no target is, so that signs that all agree do not end a training.
    """
    centred = weight - weight.mean()
    variance = centred.square().sum() / max(weight.numel() - 1, 1)
    return (centred.square() / variance.clamp(min=torch.finfo(weight.dtype).tiny)).square().mean()


def kurtosis_loss(weights: Sequence[Tensor], targets: Sequence[float]) -> Tensor:
    """Mean over layers of ``(kurtosis - target)**2`` (BD-BNN).

    Args:
        weights: one tensor a layer, any shape, two values or more each.
        targets: one for each layer, or a single one for all; 1 asks for two modes.

    Returns:
        Scalar.

    Raises:
        BadInputError: numbers differ, or a target is below 1, which no distribution reaches.
    """
    check_count(targets, len(weights))
    check_targets(targets)
    wanted = list(targets) * len(weights) if len(targets) == 1 else list(targets)
    return torch.stack([(kurtosis(w) - target).square() for w, target in zip(weights, wanted, strict=True)]).mean()


def check_count(targets: Sequence[float], layers: int) -> None:
    """Refuse targets that are neither one for all layers nor one for each, and no layers, by :class:`BadInputError`."""
    if not layers or len(targets) not in (1, layers):
        raise BadInputError(f"kurtosis: {len(targets)} targets for {layers} layers; one for all or one for each is needed")


def check_targets(targets: Sequence[float]) -> None:
    """Refuse targets that no distribution reaches, and none at all, by :class:`BadInputError`."""
    if not targets:
        raise BadInputError("kurtosis: no target; one for all layers or one for each is needed")
    if min(targets) < 1:
        raise BadInputError(f"kurtosis: target {min(targets)} cannot be reached; raw kurtosis is at least 1 (-1.2 is the excess of a uniform, 1.8)")


def regularised_weights(network: nn.Module) -> list[Tensor]:
    """Weights of every convolution but the first, in order; the last layer is no convolution (BD-BNN's choice)."""
    return [layer.weight for layer in network.modules() if isinstance(layer, nn.Conv2d)][1:]
