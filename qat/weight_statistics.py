"""The weights of a network's convolutions and matrices, layer by layer, and how near they are to two modes."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from xnorflow.qat.layers import is_binary
from xnorflow.qat.regularise.kurtosis import kurtosis
from xnorflow.qat.regularise.metrics import cosine_to_sign


@dataclass(frozen=True, eq=False)
class LayerWeights:
    """One layer.

    Attributes:
        name: dotted, as in ``network.named_modules()``.
        weight: the parameter, ``(out, ...)``; the latent weights of a binary layer.
        binary: whether the forward pass makes them -1 and +1.
    """

    name: str
    weight: Tensor
    binary: bool

    @property
    def kurtosis(self) -> float:
        """Fourth moment of the standardised weights: 1 for two modes, 1.8 for a uniform, 3 for a Gaussian; NaN where all are equal."""
        values = self.weight.detach().double()
        return float("nan") if bool(values.min() == values.max()) else float(kurtosis(values))

    @property
    def cosine(self) -> float:
        """Cosine of the angle between the weights and their signs, 1 for two modes."""
        return cosine_to_sign(self.weight.double())


def layer_weights(network: nn.Module) -> list[LayerWeights]:
    """Every convolution and every matrix product, binary and real-valued, in the order of ``network.named_modules()``."""
    layers = [(name, layer) for name, layer in network.named_modules() if isinstance(layer, nn.Conv2d | nn.Linear)]
    return [LayerWeights(name, layer.weight, is_binary(layer)) for name, layer in layers]
