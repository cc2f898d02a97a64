"""The train section of a recipe: how long, how fast, with which optimiser."""

from __future__ import annotations

from dataclasses import dataclass

from xnorflow.errors import BadInputError

LOSSES = ("cross-entropy", "squared-hinge")
SCHEDULES = ("cosine", "constant")
OPTIMISERS = ("adam", "sgd")
MAX_SEED = 2**32 - 1


@dataclass(frozen=True)
class TrainSettings:
    """How long and how fast.

    Attributes:
        epochs, batch_size, lr, weight_decay: as everywhere.
        optimiser: ``adam`` or ``sgd`` (momentum 0.9).
        schedule: ``cosine`` to zero over all steps, or ``constant``.
        warmup: share of the steps over which the rate rises linearly from zero.
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
    schedule: str = "cosine"
    warmup: float = 0.0
    loss: str = "cross-entropy"
    seed: int = 0
    validate_every: int = 1
    threads: int = 1

    def __post_init__(self) -> None:
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
        for name, accepted in (("loss", LOSSES), ("schedule", SCHEDULES), ("optimiser", OPTIMISERS)):
            if getattr(self, name) not in accepted:
                raise BadInputError(f"train.{name} {getattr(self, name)!r} is not known; known are {', '.join(accepted)}")
