"""The passes of the lowering, in order, with the reason for each place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from xnorflow.hw.lowering.absorb_signs import absorb_signs
from xnorflow.hw.lowering.find_thresholds import find_thresholds
from xnorflow.hw.lowering.fold_pixels import fold_pixels
from xnorflow.hw.lowering.fuse_pointwise import fuse_pointwise
from xnorflow.hw.lowering.head import lower_argmax
from xnorflow.hw.lowering.hoist_quantisers import hoist_quantisers
from xnorflow.hw.lowering.lower_linear import lower_linear
from xnorflow.hw.lowering.lower_pools import lower_pools
from xnorflow.hw.lowering.pool_codes import pool_codes
from xnorflow.hw.lowering.sink_scales import sink_scales
from xnorflow.hw.lowering.split_scales import split_scales

if TYPE_CHECKING:
    from collections.abc import Callable

    from xnorflow.hw.graph import Graph


@dataclass(frozen=True)
class Pass:
    """A named step, graph in, graph out.

    Attributes:
        name: as messages and notes call it.
        run: the function.
        reason: why it stands at this place.
    """

    name: str
    run: Callable[[Graph], Graph]
    reason: str


PASSES = (
    Pass("split_scales", split_scales, "first, because all other rules look at a node and its only reader"),
    Pass("fuse_pointwise", fuse_pointwise, "chains must be whole before anything asks whether they are monotone"),
    Pass("hoist_quantisers", hoist_quantisers, "while the quantiser's own chain is short, so that a negative gamma in front of a pool stays there"),
    Pass("fold_pixels", fold_pixels, "after the quantiser has come to the pixels, before scales and offsets leave for the first layer"),
    Pass("sink_scales", sink_scales, "brings scales, offsets and zero borders to the layer that absorbs them"),
    Pass("lower_linear", lower_linear, "now each layer, and each operand of a sum, is integers and one scale"),
    Pass(
        "sink_accumulator_scales",
        sink_scales,
        "pools behind a layer work on its accumulators, and all that stands between one and its quantiser is one chain",
    ),
    Pass("lower_argmax", lower_argmax, "the file's own label selection reads the last accumulators"),
    Pass("find_thresholds", find_thresholds, "needs the whole chain and the accumulator's reach"),
    Pass("pool_codes", pool_codes, "needs to know which channels decrease, and a pool that is still one node"),
    Pass("lower_pools", lower_pools, "pools are where they stay"),
    Pass("absorb_signs", absorb_signs, "last, when a threshold that a pool fed may have come to its layer"),
)
