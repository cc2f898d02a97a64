"""Build a network by name."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from xnorflow.errors import BadInputError
from xnorflow.models import bireal, bnext, cnv, mlp, reactnet, real_to_binary, recu, resnet, single_skip, vgg_small, wide_resnet
from xnorflow.models.config import ModelConfig
from xnorflow.models.registry import lookup

# Importing an architecture's module registers it; this is the list of them.
MODULES = (bireal, bnext, cnv, mlp, reactnet, real_to_binary, recu, resnet, single_skip, vgg_small, wide_resnet)


def build(
    name: str,
    *,
    input_shape: tuple[int, int, int],
    num_classes: int,
    width: float = 1.0,
    padding_value: int = -1,
    weight_bits: int = 1,
    act_bits: int = 1,
    input_bits: int | None = None,
    dropout: float = 0.0,
    options: Sequence[str] = (),
) -> nn.Module:
    """A freshly initialised network with real-valued slots; ``input_bits`` None means the architecture's own.

    The arguments are those of :class:`xnorflow.models.config.ModelConfig`. Takes float32 NCHW, gives float32
    ``(N, num_classes)``.

    Raises:
        BadInputError: the name is unknown, or an argument does not fit the architecture.
    """
    architecture = lookup(name)
    return build_config(
        ModelConfig(
            name=name,
            input_shape=input_shape,
            num_classes=num_classes,
            width=width,
            padding_value=padding_value,
            weight_bits=weight_bits,
            act_bits=act_bits,
            input_bits=architecture.input_bits if input_bits is None else input_bits,
            dropout=dropout,
            options=tuple(options),
        )
    )


def build_config(config: ModelConfig) -> nn.Module:
    """A freshly initialised network; see :func:`build`."""
    architecture = lookup(config.name)
    if config.options and architecture.options is None:
        raise BadInputError(f"model {config.name}: option {config.options[0]!r} is not known; it has no options")
    return architecture.build(config)
