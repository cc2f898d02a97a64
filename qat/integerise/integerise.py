"""From a trained residual network to one of integers in disguise."""

from __future__ import annotations

import copy

from torch import Tensor, nn

from xnorflow.errors import BadInputError, UnsupportedModelError
from xnorflow.models.layers import Network
from xnorflow.pixels import PixelNorm
from xnorflow.qat.binarisers.schedule import require_hard
from xnorflow.qat.integerise import gated, units
from xnorflow.qat.integerise.builder import Builder
from xnorflow.qat.integerise.calibrate import stream_grids
from xnorflow.qat.integerise.convert import check_finite
from xnorflow.qat.integerise.image import plan_image
from xnorflow.qat.integerise.network import IntegerNetwork
from xnorflow.qat.integerise.rewrite import chain
from xnorflow.qat.integerise.settings import IntegeriseSettings
from xnorflow.qat.layers import QuantScheme

REGISTERED = (units, gated)  # importing them registers the units


def integerise(
    network: nn.Module,
    images: Tensor,
    norm: PixelNorm,
    scheme: QuantScheme | None = None,
    settings: IntegeriseSettings | None = None,
    *,
    keep_latents: bool = False,
) -> IntegerNetwork:
    """An integer network that does what a trained residual network does, as nearly as its bits allow; ``network`` is left as it was.

    Args:
        network: quantised network with binary convolutions and real-valued parts, trained.
        images: normalised training images to choose the grids from, float32 NCHW.
        norm: their normalisation.
        scheme: how the network was made binary.
        settings: bits.
        keep_latents: leave binary weights real behind their quantiser, to be trained end to end.

    Raises:
        BadInputError: there are no images.
        UnsupportedModelError: a layer has no integer form, is not binary yet, holds a NaN or an infinity, or could exceed what float32
            holds exactly; names it.
    """
    settings, scheme = settings or IntegeriseSettings(), scheme or QuantScheme()
    require_hard(network)
    if not isinstance(network, Network):
        raise UnsupportedModelError(f"{type(network).__name__} is no network of xnorflow.models")
    if not len(images):
        raise BadInputError("integerise: no calibration images; at least 1 is needed")
    trained = copy.deepcopy(network).eval()
    for name, layer in trained.named_modules():
        check_finite(name.replace(".", "/"), *layer.parameters(recurse=False), *layer.buffers(recurse=False))
    grids = stream_grids(trained, images, settings)
    b = Builder(settings, scheme, grids.units, grids.entry)
    plan = plan_image(norm, images.shape[1], settings.bits.stem[1])
    pixels = b.emit_image("image", plan.step, images).scaled(plan.scale, plan.scale * plan.shift)
    chain(b, "", trained.named_children(), pixels)
    integers = b.finish()
    if not keep_latents:
        integers.snap()
    return integers.requires_grad_(False)
