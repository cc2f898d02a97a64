"""The teachers of a stage as a group: how complex their knowledge is, and in which order assistants take turns (BNext)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import torch
from torch import Tensor

from xnorflow.qat.checkpoint import CheckpointInfo
from xnorflow.qat.data.files import FileSplit
from xnorflow.qat.data.module import evaluation_loader
from xnorflow.qat.data.split import Split
from xnorflow.qat.distill import complexity
from xnorflow.qat.distill.consecutive import assistant_index, switch_epochs
from xnorflow.qat.method import MethodSettings
from xnorflow.qat.teachers import Teacher, load_teacher


def load_teachers(
    method: MethodSettings,
    student: CheckpointInfo,
    stage_file: Callable[[str], Path],
    images: Split | FileSplit,
    tell: Callable[[str], None] | None = None,
) -> tuple[Teacher, ...]:
    """Make a stage's teachers; of two or more, tell the ranking by knowledge complexity and order the assistants by it.

    Args:
        method: names the teachers and the order of assistants.
        student: what they teach.
        stage_file: where the checkpoint of an earlier stage lies.
        images: those that measure the accuracy of a teacher whose settings do not state it; the test images, as in the paper.
        tell: told the ranking.

    Raises:
        BadInputError: as :func:`~xnorflow.qat.teachers.load_teacher`.
    """
    teachers = tuple(load_teacher(settings, student, method.taps, stage_file) for settings in method.teachers)
    if len(teachers) < 2:
        return teachers
    known = {teacher: knowledge(teacher, images) for teacher in teachers}
    ordered = teachers if method.assistant_order == "given" else ascending(teachers, known)
    if tell is not None:
        listing = ", ".join(f"{each.name} {each.complexity:.3f}" for each in complexity.ranking(known.values()))
        tell(f"teachers by knowledge complexity: {listing}{_turns(ordered, student.train.epochs)}")
    return ordered


def _turns(teachers: Sequence[Teacher], epochs: int) -> str:
    """Which assistant begins in which epoch (1 first), in words; nothing where none takes turns."""
    names = [teacher.settings.origin for teacher in teachers if teacher.assistant]
    if len(names) < 2:
        return ""
    begins = (0, *switch_epochs(epochs, len(names)))
    return "; assistants: " + ", ".join(f"{names[assistant_index(epoch, epochs, len(names))]} from epoch {epoch + 1}" for epoch in begins)


def knowledge(teacher: Teacher, images: Split | FileSplit) -> complexity.Teacher:
    """What is known of a teacher; its accuracy is the one its settings state, else measured on ``images``."""
    stated = teacher.settings.accuracy
    accuracy = measured_accuracy(teacher, evaluation_loader(images)) if stated is None else stated
    return complexity.Teacher(teacher.settings.origin, teacher.parameters, accuracy)


def measured_accuracy(teacher: Teacher, batches: Iterable[tuple[Tensor, Tensor]]) -> float:
    """Share of the images (uint8 ``(N, H, W, C)``) whose label (int64 ``(N,)``) the teacher's greatest logit names."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    teacher.to(device)
    correct = count = 0
    for pixels, labels in batches:
        correct += int((teacher.guide(pixels.to(device)).logits.argmax(1).cpu() == labels).sum())
        count += len(labels)
    return correct / count


def ascending(teachers: Sequence[Teacher], known: dict[Teacher, complexity.Teacher]) -> tuple[Teacher, ...]:
    """The teachers with assistants in ascending complexity, each in the place of one of them; the others stay where they are."""
    assistants = iter(sorted((teacher for teacher in teachers if teacher.assistant), key=lambda teacher: complexity.order(known[teacher])))
    return tuple(next(assistants) if teacher.assistant else teacher for teacher in teachers)
