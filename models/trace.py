"""Walk a network and tell, for every matrix layer, how many bits its input has."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

REAL = 32
# Layers whose output takes only values of their input (dropout is the identity in evaluation).
KEEP_BITS = (nn.Flatten, nn.MaxPool2d, nn.Dropout)


@dataclass(frozen=True)
class Visit:
    """One layer as the walk met it.

    Attributes:
        name: dotted path in the network.
        layer: the module.
        input_bits: bits of an element of its input; 32 for real values.
        output_shape: shape of its output, batch 1 first.
    """

    name: str
    layer: nn.Module
    input_bits: int
    output_shape: tuple[int, ...]


def trace(network: nn.Module, input_shape: tuple[int, int, int], *, quantisers: tuple[type[nn.Module], ...]) -> list[Visit]:
    """Run ``network`` on one zero image, in evaluation mode, and list its leaf layers in the order they ran.

    Args:
        network: a network on any device, ``meta`` included; its mode is restored.
        input_shape: ``(C, H, W)``.
        quantisers: layer types with an attribute ``bits`` that decides the bits of their output.
    """
    visits: list[Visit] = []
    bits: dict[int, int] = {}
    alive: list[Tensor] = []  # keeps ids unique during the walk

    def record(name: str, layer: nn.Module, args: tuple[Tensor, ...], out: Tensor) -> None:
        before = bits.get(id(args[0]), REAL)
        after = REAL
        if isinstance(layer, quantisers):
            assert isinstance(layer.bits, int)
            after = layer.bits
        elif isinstance(layer, KEEP_BITS):
            after = before
        bits[id(out)] = after
        alive.append(out)
        visits.append(Visit(name, layer, before, tuple(out.shape)))

    parameter = next(network.parameters())
    with _evaluating(network), torch.no_grad(), _hooked(network, record):
        network(torch.zeros(1, *input_shape, device=parameter.device))
    return visits


@contextmanager
def _evaluating(network: nn.Module) -> Iterator[None]:
    training = network.training
    network.eval()
    try:
        yield
    finally:
        network.train(training)


@contextmanager
def _hooked(network: nn.Module, record: object) -> Iterator[None]:
    handles = []
    assert callable(record)
    for name, layer in network.named_modules():
        if not any(True for _ in layer.children()):
            handles.append(layer.register_forward_hook(lambda module, args, out, name=name: record(name, module, args, out)))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
