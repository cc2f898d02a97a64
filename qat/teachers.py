"""Teachers of a stage: networks that do not learn, each with its own normalisation of the same pixels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import torchvision
from torch import Tensor, nn

from xnorflow.errors import BadInputError
from xnorflow.pixels import PixelNorm
from xnorflow.qat.checkpoint import CheckpointInfo, load_checkpoint, load_weights
from xnorflow.qat.distill.consecutive import assistant_index
from xnorflow.qat.method import TeacherSettings
from xnorflow.qat.pixel_table import PixelTable
from xnorflow.qat.regularise.kurtosis import regularised_weights
from xnorflow.qat.taps import FeatureTaps

IMAGENET = PixelNorm(mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))


@dataclass(frozen=True)
class Guidance:
    """What a teacher says of a batch: logits ``(N, K)`` and its tapped features in order; no gradients."""

    logits: Tensor
    features: Sequence[Tensor]


class Teacher:
    """A network in evaluation mode; its parameters are no part of the student's checkpoint.

    Args:
        network: float32 NCHW to logits.
        pixel_norm: normalisation that it was trained with.
        channels: of an image.
        taps: modules to listen to.
        assistant: whether it takes turns.
    """

    def __init__(self, network: nn.Module, pixel_norm: PixelNorm, channels: int, *, taps: Sequence[str] = (), assistant: bool = False) -> None:
        self.network = network.eval().requires_grad_(False)
        self.pixels = PixelTable(pixel_norm, channels)
        self.taps = FeatureTaps(self.network, taps)
        self.weights: Sequence[Tensor] = regularised_weights(self.network)
        self.assistant = assistant

    def to(self, device: torch.device) -> None:
        """Move it to a device, in place."""
        self.network.to(device)
        self.pixels.to(device)

    def guide(self, pixels: Tensor) -> Guidance:
        """What it says of uint8 ``(N, H, W, C)``."""
        with torch.no_grad():
            logits = self.network(self.pixels(pixels))
        features = self.taps.ordered()
        self.taps.clear()
        return Guidance(logits, features)


def on_duty(teachers: Sequence[Teacher], epoch: int, epochs: int) -> tuple[Teacher, ...]:
    """The teachers of an epoch (0 first): all that are no assistants, then the assistant whose turn it is."""
    assistants = [teacher for teacher in teachers if teacher.assistant]
    current = assistants[assistant_index(epoch, epochs, len(assistants)) :][:1] if assistants else []
    return (*(teacher for teacher in teachers if not teacher.assistant), *current)


def load_teacher(settings: TeacherSettings, student: CheckpointInfo, taps: Sequence[str], stage_file: Callable[[str], Path]) -> Teacher:
    """Make the teacher that ``settings`` name.

    Args:
        settings: where it comes from.
        student: what it teaches; images and classes must agree.
        taps: modules to listen to where the settings name none.
        stage_file: where the checkpoint of an earlier stage lies.

    Raises:
        BadInputError: a file is missing or damaged, an architecture is not known, or images or classes differ.
    """
    shape, classes = student.config.input_shape, student.config.num_classes
    listened = settings.taps or tuple(taps)
    if settings.torchvision is not None:
        assert settings.weights is not None
        network = _torchvision(settings.torchvision, Path(settings.weights), classes, shape)
        return Teacher(network, IMAGENET, shape[0], taps=listened, assistant=settings.assistant)
    path = stage_file(settings.stage) if settings.stage is not None else Path(str(settings.checkpoint))
    info, network = load_checkpoint(path)
    if (info.config.input_shape, info.config.num_classes) != (shape, classes):
        raise BadInputError(
            f"teacher {path} takes images {info.config.input_shape} of {info.config.num_classes} classes, the student {shape} of {classes}"
        )
    return Teacher(network, info.pixel_norm, shape[0], taps=listened, assistant=settings.assistant)


def _torchvision(name: str, weights: Path, classes: int, shape: tuple[int, int, int]) -> nn.Module:
    known = torchvision.models.list_models(module=torchvision.models)
    if name not in known:
        raise BadInputError(f"teacher: torchvision has no classifier {name!r}; it has {', '.join(known)[:500]}")
    if shape[0] != 3:
        raise BadInputError(f"teacher {name} of torchvision takes images of 3 channels, the data have {shape[0]}")
    if not weights.is_file():
        raise BadInputError(
            f"teacher {name}: weights {weights} do not exist; save torchvision's state_dict of {name} there, "
            f"torch.save(torchvision.models.{name}(weights='DEFAULT').state_dict(), {str(weights)!r})"
        )
    network: nn.Module = torchvision.models.get_model(name, weights=None, num_classes=classes)
    try:
        state = torch.load(weights, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged file raises anything
        raise BadInputError(f"teacher {name}: {weights} is no file of weights, or it is damaged") from error
    if not isinstance(state, dict):
        raise BadInputError(f"teacher {name}: {weights} holds no state_dict")
    load_weights(network, state, weights)
    return network
