"""Choose the grids of the residual stream from what the real-valued network makes of images."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from xnorflow.errors import UnsupportedModelError
from xnorflow.models.blocks.bireal import BiRealUnit
from xnorflow.models.blocks.bnext import BNextUnit
from xnorflow.models.blocks.channelwise import RPReLU
from xnorflow.models.blocks.react import ReActNetABlock, ReActUnit
from xnorflow.models.blocks.real_to_binary import RealToBinaryUnit
from xnorflow.models.blocks.recu import ReCUUnit
from xnorflow.models.blocks.shortcut import PadShortcut
from xnorflow.models.blocks.single_skip import BnnBlock, XnorBlock
from xnorflow.qat.integerise.grid import Grid, covering
from xnorflow.qat.integerise.settings import IntegeriseSettings
from xnorflow.qat.integerise.signal import spread

UNITS = (BiRealUnit, BnnBlock, XnorBlock, ReCUUnit, ReActUnit, ReActNetABlock, RealToBinaryUnit, BNextUnit)
# A skip path of these leaves its input's grid as it is; any other rounds, and may change to another grid.
SAME_GRID = (nn.Identity, PadShortcut)
HARD_TANH = 1.0


@dataclass
class _Group:
    """Tensors that are added to each other, and how far they reach."""

    units: list[str] = field(default_factory=list)
    reach: float = 0.0


@dataclass(frozen=True)
class StreamGrids:
    """Grids of the residual stream.

    Attributes:
        entry: in front of the first unit.
        units: behind each unit, by its name with slashes.
    """

    entry: Grid
    units: dict[str, Grid]


def stream_grids(network: nn.Module, images: Tensor, settings: IntegeriseSettings) -> StreamGrids:
    """Run the network on normalised images, float32 NCHW, and choose a grid for each group of tensors that are added.

    Units whose skip path is nothing, or zero channels, share their input's grid. The grid of saturating units ends at -1 and 1.

    Raises:
        UnsupportedModelError: the stream is NaN or infinite somewhere; names the unit.
    """
    groups = [_Group()]
    handles = []
    for name, unit in network.named_modules():
        if isinstance(unit, UNITS):
            handles.append(unit.register_forward_pre_hook(partial(_enter, groups, name, settings.coverage)))
            handles.append(unit.register_forward_hook(partial(_leave, groups, name, settings.coverage)))
            shifted = [part for part in unit.modules() if isinstance(part, RPReLU)]
            handles += [part.register_forward_pre_hook(partial(_see, groups, name, settings.coverage)) for part in shifted]
    try:
        with torch.no_grad():
            network(images)
    finally:
        for handle in handles:
            handle.remove()
    grids = {name.replace(".", "/"): covering(group.reach, settings.bits.stream) for group in groups for name in group.units}
    return StreamGrids(covering(groups[0].reach, settings.bits.stream), grids)


def _enter(groups: list[_Group], name: str, coverage: float, unit: nn.Module, inputs: tuple[Tensor, ...]) -> None:
    if not groups[0].units and len(groups) == 1:
        groups[0].reach = HARD_TANH if isinstance(unit, ReCUUnit) else _spread(name, inputs[0], coverage)
    if not isinstance(unit.shortcut, SAME_GRID):
        groups.append(_Group())
    groups[-1].units.append(name)


def _see(groups: list[_Group], name: str, coverage: float, unit: nn.Module, inputs: tuple[Tensor, ...]) -> None:
    groups[-1].reach = max(groups[-1].reach, _spread(name, inputs[0], coverage))


def _leave(groups: list[_Group], name: str, coverage: float, unit: nn.Module, inputs: tuple[Tensor, ...], output: Any) -> None:
    groups[-1].reach = HARD_TANH if isinstance(unit, ReCUUnit) else max(groups[-1].reach, _spread(name, output, coverage))


def _spread(name: str, values: Tensor, coverage: float) -> float:
    if not bool(torch.isfinite(values).all()):
        raise UnsupportedModelError(f"layer {name.replace('.', '/')} makes NaN or infinity of the calibration images")
    return spread(values, coverage)
