"""Eight small networks as folded graphs: untrained, with norms of both signs that follow random images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import onnx
import torch
from torch import nn
from untrained import follow, scatter

from xnorflow.hw.folding import FoldingRequest
from xnorflow.hw.lowering import lower
from xnorflow.hw.plan import plan
from xnorflow.models import ModelConfig, build_config
from xnorflow.models.registry import lookup
from xnorflow.models.residual import ResNetPlan
from xnorflow.pixels import PixelNorm
from xnorflow.qat.export import qonnx_bytes
from xnorflow.qat.freeze import freeze
from xnorflow.qat.integerise.integerise import integerise
from xnorflow.qat.layers import QuantScheme
from xnorflow.qat.quantise import quantise

if TYPE_CHECKING:
    from xnorflow.hw.write_build import BuildContents

NORM = PixelNorm(mean=(128 / 255,), std=(128 / 255,))
PLAN = ResNetPlan((2, 4), (1, 1))  # two stages of one unit or pair of units, the second of which halves the image
IMAGES = 100


@dataclass(frozen=True)
class Network:
    """What to build.

    Attributes:
        family: of the registry.
        side: of its images, in pixels.
        cycles: an image, at most.
        scale: of the binary weights of a network that becomes integers; None for one that is exported as it is.
    """

    family: str
    side: int
    cycles: int
    scale: str | None = None


NETWORKS = {
    "tfc": Network("tfc", 28, 784),
    "cnv-small": Network("cnv-small", 8, 2304),
    "bnn-resnet-18": Network("bnn-resnet-18", 8, 1200, "mean"),
    "xnor-resnet-20": Network("xnor-resnet-20", 8, 1200, "mean"),
    "bireal-18": Network("bireal-18", 8, 1200, "mean"),
    "reactnet-18": Network("reactnet-18", 8, 1200, "mean"),
    "real-to-binary-18": Network("real-to-binary-18", 8, 2400, "mean"),
    "bnext-18": Network("bnext-18", 8, 2400, "none"),
}


def built(network: Network, seed: int) -> BuildContents:
    """Drawn from a seed, lowered, folded, with its FIFOs and its estimate."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 256, (IMAGES, network.side, network.side, 1), dtype=np.uint8)
    images = torch.from_numpy(np.ascontiguousarray(NORM.apply(pixels).transpose(0, 3, 1, 2)))
    scheme = QuantScheme() if network.scale is None else QuantScheme(weight_scale=network.scale)
    trained = quantise(_architecture(network), scheme)
    scatter(trained)
    real = follow(trained, images)
    made = freeze(real) if network.scale is None else integerise(real, images, NORM, scheme)
    raw = qonnx_bytes(made, NORM, (1, network.side, network.side))
    lowered = lower(onnx.load_model_from_string(raw))
    folding = FoldingRequest(fps=1e8 / network.cycles)
    return plan(lowered.graph, tail=lowered.tail, pixel_norm=lowered.pixel_norm, folding=folding)


def _architecture(network: Network) -> nn.Module:
    config = ModelConfig(network.family, input_shape=(1, network.side, network.side), num_classes=10, padding_value=-1)
    if network.scale is None:
        return build_config(config)
    build = lookup(network.family).build
    module: nn.Module = build.func(config, **(build.keywords | {"plan": PLAN}))
    return module
