"""Brevitas, imported quietly: the only place that imports it.

Importing it warns about an optional CUDA kernel and a missing CUDA runtime, and its layers' first call makes torch warn, once a process, that
named tensors are experimental. Both are facts about its dependencies that nobody who uses xnorflow can change.
"""

from __future__ import annotations

import logging
import warnings

import torch

_LOGGER = logging.getLogger("torch.utils.cpp_extension")
_LEVEL = _LOGGER.level
_LOGGER.setLevel(logging.ERROR)
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from brevitas.core.bit_width import BitWidthConst
    from brevitas.core.utils import StatelessBuffer
    from brevitas.core.zero_point import ZeroZeroPoint
    from brevitas.export import export_qonnx
    from brevitas.inject import ExtendedInjector
    from brevitas.inject.enum import (
        BitWidthImplType,
        FloatToIntImplType,
        QuantType,
        RestrictValueType,
        ScalingImplType,
        ScalingPerOutputType,
        StatsOp,
    )
    from brevitas.nn import QuantConv2d, QuantIdentity, QuantLinear
    from brevitas.quant.fixed_point import Int8WeightPerTensorFixedPoint
    from brevitas.quant.solver import ActQuantSolver, WeightQuantSolver

    torch.zeros(1).rename(None)  # type: ignore[no-untyped-call]  # torch leaves rename unannotated
_LOGGER.setLevel(_LEVEL)

__all__ = [
    "ActQuantSolver",
    "BitWidthConst",
    "BitWidthImplType",
    "ExtendedInjector",
    "FloatToIntImplType",
    "Int8WeightPerTensorFixedPoint",
    "QuantConv2d",
    "QuantIdentity",
    "QuantLinear",
    "QuantType",
    "RestrictValueType",
    "ScalingImplType",
    "ScalingPerOutputType",
    "StatelessBuffer",
    "StatsOp",
    "WeightQuantSolver",
    "ZeroZeroPoint",
    "export_qonnx",
]
