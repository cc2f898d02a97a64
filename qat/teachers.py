"""Teachers of a stage: networks that do not learn, each with its own normalisation, image size and precision for the same pixels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from xnorflow.errors import BadInputError
from xnorflow.pixels import PixelNorm
from xnorflow.qat.checkpoint import CheckpointInfo, load_checkpoint, other_classes
from xnorflow.qat.distill.consecutive import assistant_index
from xnorflow.qat.method import TeacherSettings
from xnorflow.qat.pixel_table import PixelTable
from xnorflow.qat.regularise.kurtosis import regularised_weights
from xnorflow.qat.taps import FeatureTaps
from xnorflow.qat.torchvision_teacher import torchvision_teacher


@dataclass(frozen=True)
class Guidance:
    """What a teacher says of a batch: logits ``(N, K)`` and its tapped features in order, all float32; no gradients."""

    logits: Tensor
    features: Sequence[Tensor]


class Teacher:
    """A network in evaluation mode; its parameters are no part of the student's checkpoint.

    Args:
        network: float32 NCHW to logits.
        pixel_norm: normalisation that it was trained with.
        channels: of an image.
        settings: image size, precision, whether it is an assistant.
        taps: modules to listen to.
    """

    def __init__(self, network: nn.Module, pixel_norm: PixelNorm, channels: int, settings: TeacherSettings, *, taps: Sequence[str] = ()) -> None:
        self.network = network.eval().requires_grad_(False)
        self.pixels = PixelTable(pixel_norm, channels)
        self.settings = settings
        self.taps = FeatureTaps(self.network, taps)
        self.weights: Sequence[Tensor] = regularised_weights(self.network)
        self.precision: torch.dtype = getattr(torch, settings.precision)

    @property
    def assistant(self) -> bool:
        """Whether it takes turns."""
        return self.settings.assistant

    @property
    def parameters(self) -> int:
        """Number of its parameters."""
        return sum(parameter.numel() for parameter in self.network.parameters())

    def to(self, device: torch.device) -> None:
        """Move it to a device, in place.

        Raises:
            BadInputError: it is to compute in float16 there, which takes a GPU.
        """
        if self.precision == torch.float16 and device.type == "cpu":
            raise BadInputError(f"teacher {self.settings.origin}: precision float16 takes a GPU; a CPU has float32 and bfloat16")
        self.network.to(device)
        self.pixels.to(device)

    def images(self, pixels: Tensor) -> Tensor:
        """What it sees of uint8 ``(N, H, W, C)``, float32 NCHW: normalised its way, then resized (bicubic, antialiased) to the size it wants."""
        images: Tensor = self.pixels(pixels)
        size = self.settings.size
        if size is None or images.shape[2:] == (size, size):
            return images
        return functional.interpolate(images, (size, size), mode="bicubic", antialias=True)

    def guide(self, pixels: Tensor) -> Guidance:
        """What it says of uint8 ``(N, H, W, C)``."""
        with torch.no_grad(), torch.autocast(pixels.device.type, self.precision, enabled=self.precision != torch.float32):
            logits = self.network(self.images(pixels)).float()
        features = [feature.float() for feature in self.taps.ordered()]
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
        network, norm = torchvision_teacher(settings.torchvision, Path(str(settings.weights)), classes, shape[0])
        teacher = Teacher(network, norm, shape[0], settings, taps=listened)
        _check_size(teacher, shape)
        return teacher
    path = stage_file(settings.stage) if settings.stage is not None else Path(str(settings.checkpoint))
    info, network = load_checkpoint(path)
    seen = shape if settings.size is None else (shape[0], settings.size, settings.size)
    if (info.config.input_shape, info.config.num_classes) != (seen, classes):
        raise BadInputError(
            f"teacher {path} takes images {info.config.input_shape} of {info.config.num_classes} classes, it is shown {seen} of {classes}"
        )
    if differing := other_classes(info.classes, student.classes):
        raise BadInputError(f"teacher {path} was trained with other classes than its student: {differing}")
    return Teacher(network, info.pixel_norm, shape[0], settings, taps=listened)


def _check_size(teacher: Teacher, shape: tuple[int, int, int]) -> None:
    """Refuse an architecture that cannot take images of this size, by one image without light."""
    images = teacher.images(torch.zeros(1, *shape[1:], shape[0], dtype=torch.uint8))
    try:
        with torch.no_grad():
            teacher.network(images)
    except (RuntimeError, AssertionError, ValueError) as error:  # whatever its layers say
        reason = " ".join(str(error).split())[:150]
        seen = "x".join(map(str, images.shape[2:]))
        origin = teacher.settings.origin
        raise BadInputError(f"teacher {origin} does not take images of {seen} ({reason}); give it the size it was trained on") from error
    teacher.taps.clear()
