"""The train section of a recipe: how long, how fast, with which optimiser."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

from xnorflow.errors import BadInputError
from xnorflow.qat.loop.settings import LoopSettings
from xnorflow.qat.optim.bop import BopSettings
from xnorflow.qat.optim.groups import GroupSettings
from xnorflow.qat.optim.rates import SCHEDULES, UNITS

LOSSES = ("cross-entropy", "squared-hinge")
OPTIMISERS = ("adam", "adamw", "sgd")
BETAS, MOMENTUM = (0.9, 0.999), 0.9
MAX_SEED = 2**32 - 1
MAX_THREADS = 1024  # PyTorch starts as many as it is told, and stands still over millions


@dataclass(frozen=True)
class TrainSettings(LoopSettings):
    """How long and how fast; how the loop runs is what :class:`LoopSettings` adds.

    Attributes:
        epochs, batch_size, lr, weight_decay: as everywhere; the decay of ``adamw`` is decoupled, that of the others part of the gradient.
        optimiser: ``adam``, ``adamw`` or ``sgd``.
        betas: of ``adam`` and ``adamw``.
        momentum, nesterov: of ``sgd``.
        groups: parameters of some kinds with a rate and a decay of their own.
        bop: flips the binary weights, and the optimiser has the rest; None for latent weights.
        schedule: ``cosine`` or ``linear`` to ``lr_end`` over all steps behind the warm-up, ``step`` or ``constant``.
        lr_end: rate that ``cosine`` and ``linear`` fall to.
        step_epochs, step_factor: when ``step`` multiplies the rate, in epochs done, and by what.
        schedule_unit: ``step`` to follow the schedule at each step, ``epoch`` at the beginning of each epoch.
        warmup: share of the steps over which the rate rises linearly.
        warmup_epochs: the same in epochs; only one of the two.
        warmup_lr: rate at the first step of the warm-up; 0 for one of equal parts, for a rate of zero would learn nothing.
        loss: ``cross-entropy`` or FINN's ``squared-hinge``.
        seed: of weights, order, augmentation and dropout.
        validate_every: epochs between looks at the test images, for the log only; nothing is selected by them.
        threads: CPU threads. Small networks gain nothing from a second one, and lose much where other programs want the
            cores; the sums of a layer, and so the last bits of the weights, may depend on their number.
    """

    epochs: int
    batch_size: int = 128
    lr: float = 0.01
    weight_decay: float = 0.0
    optimiser: str = "adam"
    betas: tuple[float, float] = BETAS
    momentum: float = MOMENTUM
    nesterov: bool = False
    groups: tuple[GroupSettings, ...] = ()
    bop: BopSettings | None = None
    schedule: str = "cosine"
    lr_end: float = 0.0
    step_epochs: tuple[int, ...] = ()
    step_factor: float = 0.1
    schedule_unit: str = "step"
    warmup: float = 0.0
    warmup_epochs: int = 0
    warmup_lr: float = 0.0
    loss: str = "cross-entropy"
    seed: int = 0
    validate_every: int = 1
    threads: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("epochs", "batch_size", "lr", "validate_every", "threads"):
            if not getattr(self, name) > 0:
                raise BadInputError(f"train.{name} {getattr(self, name)} is not positive")
        if self.batch_size < 2:
            raise BadInputError(f"train.batch_size {self.batch_size} is below 2; batch norm needs two images")
        if self.seed > MAX_SEED:
            raise BadInputError(f"train.seed {self.seed} is above {MAX_SEED}")
        if not (0 <= self.warmup < 1 and self.weight_decay >= 0 and self.seed >= 0):
            raise BadInputError(
                f"train.warmup {self.warmup} is not in [0, 1), or train.weight_decay {self.weight_decay} or train.seed {self.seed} is negative"
            )
        for name, accepted in (("loss", LOSSES), ("schedule", SCHEDULES), ("schedule_unit", UNITS), ("optimiser", OPTIMISERS)):
            if getattr(self, name) not in accepted:
                raise BadInputError(f"train.{name} {getattr(self, name)!r} is not known; known are {', '.join(accepted)}")
        self._check_limits()
        self._check_optimiser()
        self._check_warmup()
        self._check_schedule()

    def _check_limits(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if isinstance(value, float) and not math.isfinite(value):
                raise BadInputError(f"train.{field.name} {value} is not finite")
        if self.threads > MAX_THREADS:
            raise BadInputError(f"train.threads {self.threads} is above {MAX_THREADS}")

    def _check_optimiser(self) -> None:
        if not all(0 <= beta < 1 for beta in (*self.betas, self.momentum)):
            raise BadInputError(f"train.betas {list(self.betas)} or train.momentum {self.momentum} is not in [0, 1)")
        if self.optimiser == "sgd":
            if self.betas != BETAS:
                raise BadInputError("train.betas is for adam and adamw, train.optimiser is sgd")
        elif self.momentum != MOMENTUM or self.nesterov:
            raise BadInputError(f"train.momentum and train.nesterov are for sgd, train.optimiser is {self.optimiser}")
        if self.nesterov and self.momentum == 0:
            raise BadInputError("train.nesterov needs a train.momentum above 0")
        kinds = [group.kind for group in self.groups]
        if len(set(kinds)) < len(kinds):
            raise BadInputError(f"train.groups names {', '.join(kinds)}; each kind may be named once")
        if self.bop is not None and "binary" in kinds:
            raise BadInputError("train.groups names binary, but train.bop has these parameters")

    def _check_warmup(self) -> None:
        if self.warmup and self.warmup_epochs:
            raise BadInputError("train.warmup and train.warmup_epochs are given; only one of them may be")
        if not 0 <= self.warmup_epochs < self.epochs:
            raise BadInputError(f"train.warmup_epochs {self.warmup_epochs} is not below the {self.epochs} epochs, or negative")
        if self.warmup_lr and not (self.warmup or self.warmup_epochs):
            raise BadInputError(f"train.warmup_lr {self.warmup_lr} without a warm-up; give train.warmup_epochs or train.warmup")
        for name in ("warmup_lr", "lr_end"):
            if not 0 <= getattr(self, name) <= self.lr:
                raise BadInputError(f"train.{name} {getattr(self, name)} is not between 0 and train.lr {self.lr}")

    def _check_schedule(self) -> None:
        if (self.schedule == "step") != bool(self.step_epochs):
            raise BadInputError(f"train.schedule {self.schedule} with train.step_epochs {list(self.step_epochs)}; step needs them, the others none")
        if sorted(set(self.step_epochs)) != list(self.step_epochs) or not all(0 < epoch < self.epochs for epoch in self.step_epochs):
            raise BadInputError(f"train.step_epochs {list(self.step_epochs)} do not rise, or are not all between 0 and the {self.epochs} epochs")
        if not 0 < self.step_factor < 1:
            raise BadInputError(f"train.step_factor {self.step_factor} is not in (0, 1)")
        if self.lr_end and self.schedule not in ("cosine", "linear"):
            raise BadInputError(f"train.lr_end {self.lr_end} is for the schedules cosine and linear, train.schedule is {self.schedule}")
