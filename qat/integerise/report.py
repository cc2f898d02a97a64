"""What an integerised network can reach, and how much of it saturates."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

from xnorflow.qat.integerise.network import IntegerNetwork
from xnorflow.qat.integerise.pointwise import Quant
from xnorflow.qat.integerise.reach import EXACT


@dataclass(frozen=True)
class StepBound:
    """How near a step comes to what float32 cannot hold exactly.

    Attributes:
        name: of the step.
        kind: of the step.
        worst: greatest absolute integer that any image can make it reach, partial sums included.
        limit: integers below it are exact.
    """

    name: str
    kind: str
    worst: int
    limit: int = EXACT


@dataclass(frozen=True)
class Saturation:
    """One tensor on a grid, and how much of it the calibration images saturate.

    Attributes:
        name: of the step that quantises.
        bits, fraction, signed: its grid.
        share: of the values that lay outside; above it only, where the grid is a ReLU.
    """

    name: str
    bits: int
    fraction: int
    signed: bool
    share: float


@dataclass(frozen=True)
class NetworkReport:
    """Both of every step of a network."""

    bounds: tuple[StepBound, ...]
    saturation: tuple[Saturation, ...]

    def to_json(self) -> dict[str, Any]:
        """The figures as plain types."""
        return dataclasses.asdict(self)

    @property
    def nearest(self) -> StepBound:
        """The step that comes nearest to its limit."""
        return max(self.bounds, key=lambda bound: bound.worst)

    @property
    def most_saturated(self) -> Saturation:
        """The tensor that loses the greatest share."""
        return max(self.saturation, key=lambda each: each.share)


def report(network: IntegerNetwork, images: Tensor) -> NetworkReport:
    """Bound every step, and measure saturation on normalised images, float32 NCHW.

    Raises:
        UnsupportedModelError: a step can exceed what float32 holds exactly; names it.
    """
    kinds = {wire.name: wire.kind for wire in network.wires}
    bounds = tuple(StepBound(name, kinds[name], int(bound.worst)) for name, bound in network.bounds().items())
    found: list[Saturation] = []
    quants = {name: step for name, step in network.steps.items() if isinstance(step, Quant)}
    handles = [step.register_forward_pre_hook(partial(_measure, found, name)) for name, step in quants.items()]
    try:
        with torch.no_grad():
            network(images)
    finally:
        for handle in handles:
            handle.remove()
    return NetworkReport(bounds, tuple(found))


def _measure(found: list[Saturation], name: str, step: Quant, inputs: tuple[Tensor, ...]) -> None:
    grid = step.grid
    codes = torch.floor(inputs[0] * 2.0**grid.fraction)
    # Below an unsigned grid lies what a ReLU cuts off; nothing is lost there.
    outside = (codes > grid.high) | ((codes < grid.low) if grid.signed else torch.zeros_like(codes, dtype=torch.bool))
    share = float(outside.float().mean())
    found.append(Saturation(name, grid.bits, grid.fraction, grid.signed, share))
