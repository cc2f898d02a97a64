"""Loss terms by name, so that a recipe can weigh and combine any of them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol, runtime_checkable

import torch
from torch import Tensor, nn
from torch.nn import functional

from xnorflow.errors import BadInputError
from xnorflow.qat.distill import attention, consecutive, distribution, logits
from xnorflow.qat.distill.moments import StudentMap, pooled
from xnorflow.qat.registry import Registry
from xnorflow.qat.regularise import kurtosis, mimicking
from xnorflow.qat.schedules import ramp

LEARNED = "learned"
NO_MATCH = "none"


@dataclass(frozen=True)
class Observation:
    """What one training step offers to the terms; what a recipe does not use may be empty.

    Attributes:
        logits: the student's, ``(N, K)``.
        labels: int64 ``(N,)``, or where images were mixed float32 ``(N, K)``, shares that sum to one.
        teacher_logits: ``(N, K)`` of each teacher; for consecutive distillation the strong one and the current assistant.
        features: the student's tapped features, in order.
        teacher_features: the same of each teacher.
        weights: the student's weights that are regularised, in order.
        teacher_weights: those of the first teacher.
        parts: what terms learn of their own, by the term's name.
    """

    logits: Tensor
    labels: Tensor
    teacher_logits: Sequence[Tensor] = ()
    features: Sequence[Tensor] = ()
    teacher_features: Sequence[Sequence[Tensor]] = ()
    weights: Sequence[Tensor] = ()
    teacher_weights: Sequence[Tensor] = ()
    parts: Mapping[str, nn.Module] = field(default_factory=dict)

    def need(self, term: str, **counts: int) -> None:
        """Refuse a term whose inputs the recipe does not provide: at least so many entries of each named attribute."""
        for name, count in counts.items():
            found = len(getattr(self, name))
            if found < count:
                raise BadInputError(f"term {term} needs {count} {name.replace('_', ' ')}, the recipe gives {found}")


class Term(Protocol):
    """A loss term with its arguments set.

    Attributes:
        teachers: how many it needs at a time.
        taps: whether it looks at tapped features.
    """

    teachers: ClassVar[int]
    taps: ClassVar[bool]

    def __call__(self, seen: Observation) -> Tensor:
        """The term's scalar."""


class LabelTerm:
    """Needs neither teachers nor taps; the base of terms, which say what else they need."""

    teachers: ClassVar[int] = 0
    taps: ClassVar[bool] = False


@runtime_checkable
class LearningTerm(Protocol):
    """A term with parameters of its own, which are thrown away after the training."""

    def learned(self) -> nn.Module | None:
        """Fresh ones; None where its arguments ask for none."""


@runtime_checkable
class WeightTerm(Protocol):
    """A term that takes only some numbers of weights."""

    def check_weights(self, count: int) -> None:
        """Refuse ``count`` regularised weights by :class:`BadInputError`, if they do not fit."""


TERMS: Registry[Term] = Registry("loss term")


@TERMS.register("cross-entropy")
@dataclass(frozen=True)
class CrossEntropy(LabelTerm):
    """Cross-entropy with the labels."""

    smoothing: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.smoothing < 1:
            raise BadInputError(f"cross-entropy: smoothing {self.smoothing} is not in [0, 1)")

    def __call__(self, seen: Observation) -> Tensor:
        return functional.cross_entropy(seen.logits, seen.labels, label_smoothing=self.smoothing)


@TERMS.register("squared-hinge")
@dataclass(frozen=True)
class SquaredHinge(LabelTerm):
    """FINN's squared hinge."""

    def __call__(self, seen: Observation) -> Tensor:
        if seen.labels.ndim != 1:
            raise BadInputError("squared-hinge takes one label an image; mixup and cutmix (data.augment) give shares, which cross-entropy takes")
        return squared_hinge(seen.logits, seen.labels)


@TERMS.register("logits")
@dataclass(frozen=True)
class Logits(LabelTerm):
    """Logit distillation from the first teacher."""

    teachers: ClassVar[int] = 1
    temperature: float = 1.0
    form: str = "divergence"

    def __post_init__(self) -> None:
        logits.check_options(self.temperature, self.form)

    def __call__(self, seen: Observation) -> Tensor:
        seen.need("logits", teacher_logits=1)
        return logits.logit_distillation(seen.logits, seen.teacher_logits[0], self.temperature, self.form)


@TERMS.register("attention")
@dataclass(frozen=True)
class Attention(LabelTerm):
    """Attention matching with the first teacher's taps."""

    teachers: ClassVar[int] = 1
    taps: ClassVar[bool] = True
    form: str = "paper"

    def __post_init__(self) -> None:
        attention.check_form(self.form)

    def __call__(self, seen: Observation) -> Tensor:
        seen.need("attention", features=1, teacher_features=1)
        return attention.attention_matching(seen.features, seen.teacher_features[0], self.form)


@TERMS.register("consecutive")
@dataclass(frozen=True)
class Consecutive(LabelTerm):
    """Consecutive distillation from the strong teacher (first) and the current assistant (last)."""

    teachers: ClassVar[int] = 2
    sign: int = -1
    form: str = "paper"

    def __post_init__(self) -> None:
        consecutive.check_options(self.sign, self.form)

    def __call__(self, seen: Observation) -> Tensor:
        seen.need("consecutive", teacher_logits=2)
        return consecutive.consecutive_distillation(seen.logits, seen.teacher_logits[0], seen.teacher_logits[-1], sign=self.sign, form=self.form)


@TERMS.register("teacher-group")
@dataclass(frozen=True)
class TeacherGroup(LabelTerm):
    """Distribution-specific loss from all teachers; no ``betas`` weigh them equally."""

    teachers: ClassVar[int] = 1
    betas: tuple[float, ...] = ()

    def __call__(self, seen: Observation) -> Tensor:
        seen.need("teacher-group", teacher_logits=1)
        return distribution.group_distillation(seen.logits, seen.teacher_logits, self.betas or None)


@TERMS.register("distribution")
@dataclass(frozen=True)
class Distribution(LabelTerm):
    """Distribution distance of the last tapped feature to those of all teachers.

    ``widths`` of ``match`` learned: the channels of the student's feature, then those of each teacher's.
    """

    teachers: ClassVar[int] = 1
    taps: ClassVar[bool] = True
    model: str = "gaussian"
    match: str = "pool"
    direction: str = "student-teacher"
    group: str = "mean"
    per_sample: bool = False
    widths: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        distribution.check_options(self.model, NO_MATCH if self.match == LEARNED else self.match, self.direction, self.group)
        if (self.match == LEARNED) != (len(self.widths) > 1) or any(width < 1 for width in self.widths):
            raise BadInputError(
                f"distribution distance: match {self.match}, widths {self.widths}; match learned needs the student's channels and each teacher's, "
                "others none"
            )

    def learned(self) -> nn.Module | None:
        if self.match != LEARNED:
            return None
        student, *teachers = self.widths
        return nn.ModuleList(StudentMap(student, teacher) for teacher in (teachers if self.group == "mean" else teachers[:1]))

    def __call__(self, seen: Observation) -> Tensor:
        seen.need("distribution", features=1, teacher_features=1)
        teachers = [features[-1] for features in seen.teacher_features]
        if self.match != LEARNED:
            return self._distance(seen.features[-1], teachers, self.match)
        student, maps = pooled(seen.features[-1]), seen.parts["distribution"]
        assert isinstance(maps, nn.ModuleList)
        found = tuple(each.shape[1] for each in (student, *teachers))
        if found != self.widths:
            raise BadInputError(f"distribution distance: widths {self.widths} are given, the features have {found} channels")
        return torch.stack([self._distance(lift(student), [teacher], NO_MATCH) for lift, teacher in zip(maps, teachers, strict=False)]).mean()

    def _distance(self, student: Tensor, teachers: Sequence[Tensor], match: str) -> Tensor:
        return distribution.distribution_distance(
            student, teachers, model=self.model, match=match, direction=self.direction, group=self.group, per_sample=self.per_sample
        )


@TERMS.register("kurtosis")
@dataclass(frozen=True)
class Kurtosis(LabelTerm):
    """Kurtosis regulariser; ``published`` names one of the published lists, and takes the place of ``targets``."""

    targets: tuple[float, ...] = kurtosis.UNIFORM
    published: str | None = None

    def __post_init__(self) -> None:
        if self.published is not None and self.published not in kurtosis.TARGETS:
            raise BadInputError(f"kurtosis: published targets {self.published!r} are not known; known are {', '.join(kurtosis.TARGETS)}")
        if self.published is not None and self.targets != kurtosis.UNIFORM:
            raise BadInputError(f"kurtosis: targets and published ({self.published}) are given; one of them is accepted")
        kurtosis.check_targets(self.targets)

    @property
    def wanted(self) -> tuple[float, ...]:
        """The targets, published or not."""
        return self.targets if self.published is None else kurtosis.TARGETS[self.published]

    def check_weights(self, count: int) -> None:
        """Refuse a network of so many regularised weights."""
        kurtosis.check_count(self.wanted, count)

    def __call__(self, seen: Observation) -> Tensor:
        seen.need("kurtosis", weights=1)
        return kurtosis.kurtosis_loss(seen.weights, self.wanted)


@TERMS.register("mimicking")
@dataclass(frozen=True)
class Mimicking(LabelTerm):
    """Weight-distribution mimicking of the first teacher."""

    teachers: ClassVar[int] = 1
    variant: str = "histogram"
    reduction: str = "sum"

    def __post_init__(self) -> None:
        mimicking.check_options(self.variant, self.reduction)

    def __call__(self, seen: Observation) -> Tensor:
        seen.need("mimicking", weights=1, teacher_weights=1)
        return mimicking.mimicking_loss(seen.weights, seen.teacher_weights, variant=self.variant, reduction=self.reduction)


def squared_hinge(logits: Tensor, labels: Tensor) -> Tensor:
    """FINN's loss: mean of ``max(0, 1 - t*y)**2`` with targets +1 for the label and -1 elsewhere; logits ``(N, K)``, labels ``(N,)``."""
    targets = -torch.ones_like(logits)
    targets.scatter_(1, labels[:, None], 1.0)
    return (1 - targets * logits).clamp(min=0).square().mean()


@dataclass(frozen=True)
class WeightedTerm:
    """One line of a recipe's loss.

    Attributes:
        name: of the term.
        weight: its factor in the total.
        ramp: share of the training's steps over which the factor rises linearly from 0.
        arguments: of the term.
    """

    name: str
    weight: float = 1.0
    ramp: float = 0.0
    arguments: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not 0 <= self.ramp <= 1:
            raise BadInputError(f"term {self.name}: ramp {self.ramp} is not in [0, 1]")
        if not math.isfinite(self.weight):
            raise BadInputError(f"term {self.name}: weight {self.weight} is not finite")

    def factor(self, step: int, steps: int) -> float:
        """Its factor after ``step`` of ``steps`` iterations."""
        rising = int(self.ramp * steps)
        return self.weight if rising == 0 else self.weight * ramp(step, rising)


class TermSum:
    """The weighted sum of a recipe's terms.

    Attributes:
        parts: what terms learn of their own, by name; to be trained with the network, and no part of it.

    Args:
        lines: the recipe's lines; a term may occur once.
        where: names the recipe in messages.

    Raises:
        BadInputError: no line, a term twice, an unknown name or argument.
    """

    def __init__(self, lines: Sequence[WeightedTerm], where: str = "loss") -> None:
        names = [line.name for line in lines]
        if not lines or len(set(names)) != len(names):
            raise BadInputError(f"{where}: terms {', '.join(names) or '(none)'}; one or more, each once, are needed")
        self.lines = tuple(lines)
        self.terms = tuple(TERMS.build(line.name, line.arguments, where) for line in lines)
        made = {line.name: term.learned() for line, term in zip(lines, self.terms, strict=True) if isinstance(term, LearningTerm)}
        self.parts = nn.ModuleDict({name: part for name, part in made.items() if part is not None})

    def __call__(self, seen: Observation, step: int = 0, steps: int = 1) -> tuple[Tensor, dict[str, Tensor]]:
        """The total, with gradient, and each term before weighting, without, for the log."""
        values = [term(seen) for term in self.terms]
        total = torch.stack([line.factor(step, steps) * value for line, value in zip(self.lines, values, strict=True)]).sum()
        return total, {line.name: value.detach() for line, value in zip(self.lines, values, strict=True)}
