"""The latent weights of a quantised network: which they are, where each method starts them, how far they may go."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from xnorflow.errors import BadInputError
from xnorflow.qat.binarisers.progressive import LATENT_LIMIT
from xnorflow.qat.injectors import WEIGHTS
from xnorflow.qat.layers import BinaryConv2d, BinaryLinear, is_binary
from xnorflow.qat.optim.latent_clip import LatentClip
from xnorflow.qat.scales import MeanScale, PowerOfTwoScale


@dataclass(frozen=True)
class LatentRange:
    """What a weight method needs of its latent weights.

    Attributes:
        limit: clamp them to plus and minus this after every optimiser step; None for never.
        start: where they start, one of ``xnorflow.qat.latent_starts.STARTS``.
    """

    limit: float | None = 1.0
    start: str = "uniform"

    def rule(self) -> LatentClip | None:
        """The rule that keeps them in range, for :func:`xnorflow.qat.optim.after_step.attach`; None when they are free."""
        return None if self.limit is None else LatentClip(self.limit)


# Methods that standardise their weights, or whose gradient reaches all of them, leave the latents free.
RANGES = {
    "progressive": LatentRange(LATENT_LIMIT, "normal"),
    "recu": LatentRange(limit=None),
    "ir-net": LatentRange(limit=None),
    "ede": LatentRange(limit=None),
    "rbnn": LatentRange(limit=None),
    "rbnn-rotated": LatentRange(limit=None),
}


def latent_range(method: str) -> LatentRange:
    """Range of the latents of a weight quantiser named as in ``xnorflow.qat.injectors.WEIGHTS``.

    Raises:
        BadInputError: no such quantiser.
    """
    if method not in WEIGHTS:
        raise BadInputError(f"weight quantiser {method!r} is not known; known are {', '.join(WEIGHTS)}")
    return RANGES.get(method, LatentRange())


def latent_weights(network: nn.Module) -> list[nn.Parameter]:
    """The weights of all binary layers, in order."""
    found = []
    for layer in _binary_layers(network):
        assert isinstance(layer.weight, nn.Parameter)
        found.append(layer.weight)
    return found


def _binary_layers(network: nn.Module) -> list[BinaryConv2d | BinaryLinear]:
    return [layer for layer in network.modules() if isinstance(layer, BinaryConv2d | BinaryLinear) and is_binary(layer)]


def weight_transforms(network: nn.Module) -> list[nn.Module]:
    """What stands between each of :func:`latent_weights` and its sign, in order."""
    return [layer.weight_quant.tensor_quant.transform_impl for layer in _binary_layers(network)]


def has_statistical_scale(network: nn.Module) -> bool:
    """Whether a scale of binary weights is their mean magnitude, rounded or not."""
    return any(isinstance(part, MeanScale | PowerOfTwoScale) for part in network.modules())
