"""Fill a network's slots with Brevitas layers."""

from __future__ import annotations

import torch
from torch import nn

from xnorflow.models.layers import BIPOLAR, Activation, Conv, Dense, InputQuant
from xnorflow.qat.latent_starts import STARTS
from xnorflow.qat.latents import latent_range
from xnorflow.qat.layers import AUTO, BinaryActivation, BinaryConv2d, BinaryLinear, QuantScheme

FEW_BITS_START = "uniform"


def quantise(network: nn.Module, scheme: QuantScheme | None = None) -> nn.Module:
    """Replace every slot of ``network`` in place by its quantised layer, latent weights where its scheme starts them, and return it.

    Args:
        network: what ``xnorflow.models.build`` returns.
        scheme: estimators and scales; default: straight-through, no scales.
    """
    scheme = scheme or QuantScheme()
    for name, child in network.named_children():
        replacement = _quantised(child, scheme)
        if replacement is None:
            quantise(child, scheme)
        else:
            setattr(network, name, replacement)
    return network


def _quantised(slot: nn.Module, scheme: QuantScheme) -> nn.Module | None:
    match slot:
        case Conv():
            layer: nn.Module = BinaryConv2d(
                slot.in_channels,
                slot.out_channels,
                slot.kernel_size[0],
                stride=slot.stride[0],
                padding=int(slot.padding[0]),
                padding_value=slot.padding_value,
                weight_quant=scheme.weight_quant(slot.bits),
            )
        case Dense():
            layer = BinaryLinear(slot.in_features, slot.out_features, weight_quant=scheme.weight_quant(slot.bits))
        case Activation():
            return BinaryActivation(bits=slot.bits, act_quant=scheme.activation_quant(slot.bits))
        case InputQuant():
            return BinaryActivation(bits=slot.bits, act_quant=scheme.input_quant(slot.bits))
        case _:
            return None
    assert isinstance(layer.weight, torch.Tensor)
    STARTS[_start(scheme) if slot.bits == BIPOLAR else FEW_BITS_START](layer.weight)
    return layer


def _start(scheme: QuantScheme) -> str:
    return latent_range(scheme.weight).start if scheme.latents == AUTO else scheme.latents
