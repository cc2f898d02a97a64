"""Parameter groups as data: parameters of one kind get a rate and a decay of their own."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from torch import nn

from xnorflow.errors import BadInputError
from xnorflow.models.blocks.channelwise import ChannelShift
from xnorflow.models.layers import ScalarNorm
from xnorflow.qat.layers import BinaryConv2d, BinaryLinear, is_binary

SPATIAL_DIMS = 3
Test = Callable[[nn.Module, str, nn.Parameter], bool]


def _is_binary_weight(owner: nn.Module, name: str, parameter: nn.Parameter) -> bool:
    return name == "weight" and isinstance(owner, BinaryConv2d | BinaryLinear) and is_binary(owner)


def _is_norm(owner: nn.Module, name: str, parameter: nn.Parameter) -> bool:
    return isinstance(owner, nn.BatchNorm1d | nn.BatchNorm2d | ScalarNorm)


def _is_bias(owner: nn.Module, name: str, parameter: nn.Parameter) -> bool:
    return isinstance(owner, ChannelShift) or (name == "bias" and not _is_norm(owner, name, parameter))


def _is_four_dimensional(owner: nn.Module, name: str, parameter: nn.Parameter) -> bool:
    # What public code keeps as (1, C, 1, 1) is (C, 1, 1) here.
    return parameter.dim() >= SPATIAL_DIMS


KINDS: dict[str, Test] = {
    "binary": _is_binary_weight,
    "norm": _is_norm,
    "bias": _is_bias,
    "four-dimensional": _is_four_dimensional,
}


@dataclass(frozen=True)
class GroupSettings:
    """Parameters of one kind that learn differently from the others.

    Attributes:
        kind: ``binary``: latent weights of the binary layers; ``norm``: factors and shifts of the batch norms; ``bias``: all other biases
            and learned shifts; ``four-dimensional``: what BNext's and ReActNet's public code tells apart by the number of dimensions,
            the weights of all convolutions, binary or not, and everything that is one value a channel of an image.
        lr: factor of the section's rate; 0 keeps them as they are.
        weight_decay: their own; None for that of the section.
    """

    kind: str
    lr: float = 1.0
    weight_decay: float | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise BadInputError(f"train.groups: kind {self.kind!r} is not known; known are {', '.join(KINDS)}")
        if not 0 <= self.lr < math.inf or (self.weight_decay is not None and not 0 <= self.weight_decay < math.inf):
            raise BadInputError(f"train.groups: {self.kind} has lr {self.lr} and weight_decay {self.weight_decay}; finite ones from 0 are accepted")


def parameter_groups(network: nn.Module, groups: Sequence[GroupSettings], *, lr: float, weight_decay: float) -> list[dict[str, Any]]:
    """All parameters of ``network`` as torch's optimisers take them: one entry a group, then the others, if any.

    Args:
        network: quantised network.
        groups: kinds, each at most once.
        lr: rate of the others, and what the groups' factors multiply.
        weight_decay: of the others, and of groups that name none.

    Raises:
        BadInputError: a group matches no parameter, or two share one; names group and parameter.
    """
    members: dict[str, list[nn.Parameter]] = {group.kind: [] for group in groups}
    others: list[nn.Parameter] = []
    for path, owner, name, parameter in _parameters(network):
        kinds = [kind for kind in members if KINDS[kind](owner, name, parameter)]
        if len(kinds) > 1:
            raise BadInputError(f"train.groups: {path} is in the groups {' and '.join(kinds)}; a parameter may be in one group only")
        (members[kinds[0]] if kinds else others).append(parameter)
    for kind, parameters in members.items():
        if not parameters:
            raise BadInputError(f"train.groups: group {kind} matches no parameter of the network")
    made = [
        {
            "params": members[group.kind],
            "lr": lr * group.lr,
            "weight_decay": weight_decay if group.weight_decay is None else group.weight_decay,
        }
        for group in groups
    ]
    return [*made, *([{"params": others, "lr": lr, "weight_decay": weight_decay}] if others else [])]


def _parameters(network: nn.Module) -> Iterator[tuple[str, nn.Module, str, nn.Parameter]]:
    """Full name, owner, own name and parameter, each parameter once."""
    seen: set[int] = set()
    for prefix, owner in network.named_modules():
        for name, parameter in owner.named_parameters(recurse=False):
            if id(parameter) not in seen:
                seen.add(id(parameter))
                yield f"{prefix}.{name}" if prefix else name, owner, name, parameter
