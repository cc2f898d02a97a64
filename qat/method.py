"""What a stage of training does besides minimising one loss at one rate: terms, taps, teachers and the rule of its weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from xnorflow.errors import BadInputError
from xnorflow.qat.optim.after_step import WeightRule
from xnorflow.qat.optim.rules import weight_rule
from xnorflow.qat.terms import TermSum, WeightedTerm

PRECISIONS = ("float32", "bfloat16", "float16")
ORDERS = ("complexity", "given")


@dataclass(frozen=True)
class RuleSettings:
    """A rule of ``xnorflow.qat.optim.rules`` by name, with its arguments."""

    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)

    def make(self) -> WeightRule:
        """A fresh rule."""
        return weight_rule(self.name, self.arguments, "method.rule")


@dataclass(frozen=True)
class TeacherSettings:
    """Where a teacher comes from: exactly one of ``stage``, ``checkpoint`` and ``torchvision``.

    Attributes:
        stage: name of an earlier stage of the same recipe.
        checkpoint: file that a training wrote.
        torchvision: name of an architecture of torchvision, ``resnet18`` for one, with ``weights``.
        weights: file with its state, as torchvision publishes them.
        taps: modules whose outputs are compared with the student's; none for those of the student.
        assistant: takes turns with the other assistants, each for an equal share of the epochs.
        precision: that it computes in, ``float32``, ``bfloat16``, or ``float16`` on a GPU; what it says is float32 always.
        size: side of the square images it is shown, resized from the student's; None for theirs.
        accuracy: its top-1, a fraction, for the knowledge complexity; None to measure it.
    """

    stage: str | None = None
    checkpoint: str | None = None
    torchvision: str | None = None
    weights: str | None = None
    taps: tuple[str, ...] = ()
    assistant: bool = False
    precision: str = "float32"
    size: int | None = None
    accuracy: float | None = None

    def __post_init__(self) -> None:
        given = [name for name in ("stage", "checkpoint", "torchvision") if getattr(self, name) is not None]
        if len(given) != 1:
            raise BadInputError(f"a teacher names {' and '.join(given) or 'nothing'}; one of stage, checkpoint and torchvision is needed")
        if (self.torchvision is None) != (self.weights is None):
            raise BadInputError(
                "a teacher from torchvision needs torchvision, the architecture's name, and weights, the file of its state; others neither"
            )
        if self.precision not in PRECISIONS:
            raise BadInputError(f"teacher {self.origin}: precision {self.precision!r} is not known; known are {', '.join(PRECISIONS)}")
        if self.size is not None and self.size < 1:
            raise BadInputError(f"teacher {self.origin}: size {self.size} is not positive")
        if self.accuracy is not None and not 0 <= self.accuracy <= 1:
            raise BadInputError(f"teacher {self.origin}: accuracy {self.accuracy} is no fraction in [0, 1]")

    @property
    def origin(self) -> str:
        """Where it comes from, in messages."""
        return str(self.stage or self.checkpoint or self.torchvision)


@dataclass(frozen=True)
class MethodSettings:
    """How one stage trains.

    Attributes:
        terms: the loss, a weighted sum; none for ``train.loss`` alone.
        rule: applied to the binary weights after each step; None for the range of their binariser.
        harden_at: share of the epochs after which real weights become signs and stay, the rest being tuned, in the last epoch at the latest;
            0 for from the beginning, None for never. With ``weight_scale: mean`` they become their sign times the mean magnitude of their filter.
        harden_by: share of the epochs until which this waits for 99 % of the weights to be near -1 and +1, while the rule's ramp goes on;
            None for no waiting.
        start: earlier stage whose weights this one starts from; None for random ones.
        taps: modules of the network whose outputs the terms see.
        teachers: in the order in which the terms see them.
        assistant_order: ``complexity``, assistants take turns by ascending knowledge complexity (BNext), or ``given``.
    """

    terms: tuple[WeightedTerm, ...] = ()
    rule: RuleSettings | None = None
    harden_at: float | None = None
    harden_by: float | None = None
    start: str | None = None
    taps: tuple[str, ...] = ()
    teachers: tuple[TeacherSettings, ...] = ()
    assistant_order: str = ORDERS[0]

    def __post_init__(self) -> None:
        if self.harden_at is not None and not 0 <= self.harden_at < 1:
            raise BadInputError(f"method.harden_at {self.harden_at} is not in [0, 1)")
        if self.harden_by is not None and not (self.harden_at is not None and self.harden_at <= self.harden_by < 1):
            raise BadInputError(f"method.harden_by {self.harden_by} is not in [harden_at, 1), and harden_at is {self.harden_at}")
        if self.assistant_order not in ORDERS:
            raise BadInputError(f"method.assistant_order {self.assistant_order!r} is not known; known are {', '.join(ORDERS)}")
        if self.terms:
            self.loss("")
        if self.rule is not None:
            self.rule.make()

    def loss(self, default: str) -> TermSum:
        """The loss, which without terms is the ``default`` term."""
        return TermSum(self.terms or (WeightedTerm(default),), "method.terms")

    def check_inputs(self) -> None:
        """Refuse terms that look at teachers or taps the stage does not have.

        Raises:
            BadInputError: names the term and what it needs.
        """
        assistants = any(teacher.assistant for teacher in self.teachers)
        present = sum(not teacher.assistant for teacher in self.teachers) + assistants
        for line, term in zip(self.terms, self.loss("").terms if self.terms else (), strict=True):
            if present < term.teachers:
                wanted = "a teacher" if term.teachers == 1 else f"{term.teachers} teachers at a time"
                raise BadInputError(f"term {line.name} needs {wanted}, method.teachers gives {present}")
            if term.taps and not self.taps:
                raise BadInputError(f"term {line.name} looks at features, and method.taps names no module")

    def stages(self) -> tuple[str, ...]:
        """Names of the earlier stages it needs."""
        taught = [teacher.stage for teacher in self.teachers if teacher.stage is not None]
        return tuple(dict.fromkeys([*([] if self.start is None else [self.start]), *taught]))
