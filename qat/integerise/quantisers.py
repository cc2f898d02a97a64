"""The Brevitas quantiser of a grid: floor, then saturate."""

from __future__ import annotations

from typing import Any

from xnorflow.qat.brevitas import FloatToIntImplType
from xnorflow.qat.integerise.grid import Grid
from xnorflow.qat.quantisers import ConstActivation


def grid_activation(grid: Grid, *, nearest: bool = False) -> Any:
    """Injector of activations on ``grid``: rounded down (QONNX ``Quant``, rounding mode ``FLOOR``), then saturated.

    Args:
        grid: where they end.
        nearest: round half to even instead, as the quantiser of the image does.
    """
    rounding = FloatToIntImplType.ROUND if nearest else FloatToIntImplType.FLOOR
    return ConstActivation.let(
        bit_width=grid.bits,
        narrow_range=False,
        signed=grid.signed,
        min_val=grid.low * grid.step,
        max_val=grid.high * grid.step,
        float_to_int_impl_type=rounding,
    )
