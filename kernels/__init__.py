"""The CPU kernels: packed XNOR-popcount arithmetic in C++, and their Python face."""

from __future__ import annotations

from xnorflow.kernels.conv import BinaryConv2d, pack_images, pad
from xnorflow.kernels.elementwise import add, affine, arg_max, gate, look_up, max_pool, max_pool_bits, multiply, sum_pixels, threshold
from xnorflow.kernels.isa import available, resolve
from xnorflow.kernels.layers import Borders, IntLayer, XnorLayer
from xnorflow.kernels.packed import Packed, gather, pack, unpack
from xnorflow.kernels.thresholds import BitThresholds
from xnorflow.kernels.tokens import TokenLink, TokenModel
from xnorflow.kernels.window import Window

__all__ = [
    "BinaryConv2d",
    "BitThresholds",
    "Borders",
    "IntLayer",
    "Packed",
    "TokenLink",
    "TokenModel",
    "Window",
    "XnorLayer",
    "add",
    "affine",
    "arg_max",
    "available",
    "gate",
    "gather",
    "look_up",
    "max_pool",
    "max_pool_bits",
    "multiply",
    "pack",
    "pack_images",
    "pad",
    "resolve",
    "sum_pixels",
    "threshold",
    "unpack",
]
