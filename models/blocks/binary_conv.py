"""The 3x3 slot every binary unit has."""

from __future__ import annotations

from xnorflow.models.blocks.site import Site
from xnorflow.models.config import ModelConfig
from xnorflow.models.layers import Conv


def binary_conv(site: Site, config: ModelConfig) -> Conv:
    """The 3x3 slot of a site, with the configuration's bits and border."""
    return Conv(site.inputs, site.outputs, 3, bits=config.weight_bits, stride=site.stride, padding=1, padding_value=config.padding_value)
