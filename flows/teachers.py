"""Which teacher a binary student can follow: candidates by knowledge complexity (BNext, table 9)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xnorflow.errors import BadInputError

if TYPE_CHECKING:
    from xnorflow.qat.distill.complexity import Teacher

# The teachers of BNext's table 9 with their top-1 on ImageNet as printed there.
PUBLISHED = (
    "resnet34=0.7331",
    "resnet50=0.7613",
    "resnet101=0.7737",
    "efficientnet_b0=0.7753",
    "efficientnet_b2=0.7806",
    "efficientnet_b4=0.7926",
    "convnext_tiny=0.8252",
    "convnext_small=0.8366",
    "convnext_base=0.8406",
    "resnext101_32x8d=0.7932",
)
IMAGENET_CLASSES = 1000


@dataclass(frozen=True)
class TeacherRanking:
    """Candidates by ascending knowledge complexity, the order in which assistants take turns."""

    teachers: tuple[Teacher, ...]

    def to_json(self) -> dict[str, Any]:
        """The figures as plain types."""
        return {
            "teachers": [
                {"name": each.name, "parameters": each.parameters, "accuracy": each.accuracy, "complexity": each.complexity} for each in self.teachers
            ]
        }


def teachers(candidates: Sequence[str] = PUBLISHED) -> TeacherRanking:
    """Rank candidates by ``log10(1 + parameters in millions / top-1)``.

    Args:
        candidates: ``NAME=TOP1``, a classifier of torchvision for ImageNet and its accuracy as a fraction; ``FILE`` or ``FILE=TOP1``, a
            checkpoint with the accuracy it records or another.

    Raises:
        BadInputError: a candidate is neither, states no accuracy, or one that is no fraction.
    """
    from xnorflow.qat.distill.complexity import ranking

    return TeacherRanking(ranking([_candidate(text) for text in candidates]))


def _candidate(text: str) -> Teacher:
    import torch

    from xnorflow.qat.distill.complexity import Teacher
    from xnorflow.qat.torchvision_teacher import torchvision_architecture

    name, equals, stated = text.rpartition("=") if not Path(text).exists() else (text, "", "")
    if Path(name).is_file():
        return _checkpoint(Path(name), _fraction(text, stated) if equals else None)
    if Path(name).suffix or len(Path(name).parts) > 1:
        raise BadInputError(f"teacher {name} does not exist; a checkpoint or NAME=TOP1, for example resnet34=0.7331, is expected")
    if not equals:
        raise BadInputError(f"teacher {text!r} is neither a checkpoint nor NAME=TOP1, for example resnet34=0.7331")
    with torch.device("meta"):
        network = torchvision_architecture(name, IMAGENET_CLASSES)
    return Teacher(name, sum(parameter.numel() for parameter in network.parameters()), _fraction(text, stated))


def _checkpoint(path: Path, stated: float | None) -> Teacher:
    from xnorflow.qat.checkpoint import load_checkpoint
    from xnorflow.qat.distill.complexity import Teacher

    info, network = load_checkpoint(path)
    accuracy = info.accuracy if stated is None else stated
    if accuracy is None:
        raise BadInputError(f"teacher {path} records no accuracy; state it, {path}=0.9")
    return Teacher(str(path), sum(parameter.numel() for parameter in network.parameters()), accuracy)


def _fraction(text: str, stated: str) -> float:
    try:
        return float(stated)
    except ValueError:
        raise BadInputError(f"teacher {text!r}: {stated!r} is no number; top-1 as a fraction is expected, resnet34=0.7331 for one") from None
