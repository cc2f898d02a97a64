"""The plane through a network's weights on which its loss is drawn (Li et al. 2018, Visualizing the Loss Landscape of Neural Nets)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum
from types import TracebackType

import torch
from torch import Tensor, nn
from torch.nn import functional

from xnorflow.errors import BadInputError
from xnorflow.qat.weight_statistics import layer_weights

MOST_STEPS = 999


class Moved(StrEnum):
    """Which weights the plane moves: every convolution and matrix, or the binary layers' latent weights alone."""

    ALL = "all"
    BINARY = "binary"


def moved_weights(network: nn.Module, which: Moved) -> list[Tensor]:
    """The parameters that the plane moves, in order; norms, scales, shifts and biases never are (Li et al. 2018, section 4).

    Raises:
        BadInputError: the network has none.
    """
    found = [layer.weight for layer in layer_weights(network) if layer.binary or which is Moved.ALL]
    if not found:
        raise BadInputError(f"the network has no {'binary layer' if which is Moved.BINARY else 'convolution or matrix'} to move")
    return found


def filter_normalised(weights: Sequence[Tensor], generator: torch.Generator) -> list[Tensor]:
    """A random direction in which every filter is as long as the weights' own: ``d <- d / |d| * |w|`` (Li et al. 2018, section 4).

    Args:
        weights: ``(out, ...)`` each; a filter is what makes one output channel.
        generator: of the normal draws, on the CPU.

    Returns:
        One tensor for each weight, of its shape, dtype and device; zero where the filter is.
    """
    return [_normalised(weight.detach(), torch.randn(weight.shape, generator=generator, dtype=torch.float64)) for weight in weights]


def _normalised(weight: Tensor, drawn: Tensor) -> Tensor:
    rows = drawn.flatten(1)
    wanted = torch.linalg.vector_norm(weight.double().cpu().flatten(1), dim=1, keepdim=True)
    scaled: Tensor = rows / torch.linalg.vector_norm(rows, dim=1, keepdim=True) * wanted
    return scaled.view_as(drawn).to(weight)


class Plane:
    """``w + a * first + b * second``; a context manager that gives the weights back, bit for bit.

    Args:
        weights: parameters that are moved in place.
        first, second: directions, one tensor for each weight.
    """

    def __init__(self, weights: Sequence[Tensor], first: Sequence[Tensor], second: Sequence[Tensor]) -> None:
        self.weights = weights
        self.origin = [weight.detach().clone() for weight in weights]
        self.first, self.second = first, second

    def move(self, a: float, b: float) -> None:
        """Set the weights to the point ``(a, b)``; ``(0, 0)`` is where they were."""
        with torch.no_grad():
            for weight, origin, first, second in zip(self.weights, self.origin, self.first, self.second, strict=True):
                weight.copy_(origin + a * first + b * second if a or b else origin)

    def __enter__(self) -> Plane:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.move(0.0, 0.0)


def coordinates(reach: float, steps: int) -> list[float]:
    """``steps`` points from ``-reach`` to ``reach``, evenly spaced, symmetric to the last bit, the middle one exactly 0.

    Raises:
        BadInputError: ``steps`` is not an odd number from 3 to :data:`MOST_STEPS`, or ``reach`` is not positive and finite.
    """
    if not 3 <= steps <= MOST_STEPS or steps % 2 == 0:
        raise BadInputError(f"{steps} steps: an odd number from 3 to {MOST_STEPS} is accepted, so that the checkpoint itself is a point")
    if not 0 < reach < float("inf"):
        raise BadInputError(f"range {reach} is not a positive number")
    half = steps // 2
    return [reach * index / half for index in range(-half, half + 1)]


def mean_loss(forward: Callable[[Tensor], Tensor], batches: Iterable[tuple[Tensor, Tensor]]) -> float:
    """Cross-entropy, in nats, averaged over the images and added in float64.

    Args:
        forward: inputs of a batch to logits ``(N, K)``.
        batches: inputs and labels ``(N,)``, one batch or more.
    """
    total, count = 0.0, 0
    with torch.no_grad():
        for inputs, labels in batches:
            total += float(functional.cross_entropy(forward(inputs).double(), labels, reduction="sum"))
            count += len(labels)
    return total / count
