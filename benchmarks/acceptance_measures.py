"""What is measured of networks that were trained for the acceptance figures."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import torch

from xnorflow.errors import UnsupportedModelError
from xnorflow.flows.evaluate import evaluate
from xnorflow.qat.binarisers.real import harden
from xnorflow.qat.checkpoint import load_checkpoint
from xnorflow.qat.data.module import evaluation_loader
from xnorflow.qat.data.sources import load_split
from xnorflow.qat.distill.consecutive import teacher_weights
from xnorflow.qat.latents import latent_weights
from xnorflow.qat.layers import BinaryConv2d, BinaryLinear, is_binary
from xnorflow.qat.lesson import Lesson
from xnorflow.qat.optim.bnew import freeze_signs
from xnorflow.qat.pixel_table import PixelTable
from xnorflow.qat.regularise.kurtosis import kurtosis, regularised_weights
from xnorflow.qat.regularise.metrics import cosine_to_sign, near_one_share
from xnorflow.qat.teacher_group import load_teachers

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from acceptance_runs import Run
    from torch import Tensor, nn

    from xnorflow.qat.data.split import Split
    from xnorflow.qat.recipe import Stage


@dataclass(frozen=True)
class Shapes:
    """Kurtosis and cosine to the sign of each regularised weight of a network."""

    kurtosis: tuple[float, ...]
    cosine: tuple[float, ...]


@dataclass(frozen=True)
class Freeze:
    """A network before and right after its weights become signs, nothing tuned.

    Attributes:
        share: of weights with ``|w| > 0.99`` before.
        before, after: accuracy.
    """

    share: float
    before: float
    after: float


def shapes(network: nn.Module) -> Shapes:
    """Shapes of the weights that the regularisers see."""
    weights = [weight.detach() for weight in regularised_weights(network)]
    return Shapes(tuple(float(kurtosis(weight)) for weight in weights), tuple(cosine_to_sign(weight) for weight in weights))


@cache
def test_images() -> Split:
    """The 360 digits that no training sees."""
    return load_split("digits", "test")


def logits(run: Run, network: nn.Module) -> Tensor:
    """Logits ``(360, 10)`` of the test images, by the network as it is."""
    pixels = PixelTable(run.pixel_norm, test_images().input_shape[0])
    with torch.no_grad():
        return torch.cat([network.eval()(pixels(images)) for images, _ in evaluation_loader(test_images())])


def accuracy_as_it_is(run: Run, network: nn.Module) -> float:
    """Share of the test images that a network, of soft weights maybe, gets right."""
    labels = torch.from_numpy(test_images().labels)
    return float((logits(run, network).argmax(1) == labels).double().mean())


def accuracy(checkpoint: Path) -> float:
    """Share of the test images that the frozen network of a checkpoint gets right."""
    return evaluate(checkpoint).accuracy


def freeze_now(run: Run, network: nn.Module) -> Freeze:
    """Make real weights signs and see what it costs; changes ``network``."""
    weights = latent_weights(network)
    share, before = near_one_share(weights), accuracy_as_it_is(run, network)
    freeze_signs(weights)
    harden(network)
    return Freeze(share, before, accuracy_as_it_is(run, network))


def strong_shares(run: Run, student: nn.Module, strong: str, assistant: str) -> Tensor:
    """Shares of the two teachers in the loss of each test image, ``(360, 2)``."""
    return teacher_weights(*(logits(run, network) for network in (student, run.network(strong), run.network(assistant))))


def greatest_distance_to_one(network: nn.Module) -> float:
    """Of the magnitudes of all weights that the binary layers of a trained network compute with, scales aside."""
    layers = [layer for layer in network.train().modules() if isinstance(layer, BinaryConv2d | BinaryLinear) and is_binary(layer)]
    with torch.no_grad():
        return max(float((layer.weight_quant.tensor_quant(layer.weight)[0].abs() - 1).abs().max()) for layer in layers)


def assistants(run: Run, stage: Stage) -> list[str]:
    """Who assists in each epoch of a stage, as its lesson has it."""
    info, network = load_checkpoint(run.checkpoint())
    lesson = Lesson(network, stage.method, weight=stage.quant.weight, teachers=load_teachers(stage.method, info, run.checkpoint, test_images()))
    names = []
    for epoch in range(stage.train.epochs):
        lesson.start_epoch(epoch, stage.train.epochs)
        (assistant,) = (teacher for teacher in lesson.present if teacher.assistant)
        names.append(str(assistant.settings.stage))
    lesson.close()
    return names


def refused_as_soft(train: Callable[[], object]) -> int:
    """1 where a training ends with the refusal of weights that are not binary, 0 where it does not."""
    try:
        train()
    except UnsupportedModelError as error:
        return int("is not binary yet: its weights' temperature is" in str(error))
    return 0
