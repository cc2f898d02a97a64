"""Settings of a recipe's train section that say how the loop runs, whatever is trained."""

from __future__ import annotations

from dataclasses import dataclass

from xnorflow.errors import BadInputError

PRECISIONS = ("32-true", "64-true", "bf16-mixed", "16-mixed")


@dataclass(frozen=True, kw_only=True)
class LoopSettings:
    """Precision, clipping, averaging and checkpoints.

    Attributes:
        precision: Lightning's name: ``32-true``, ``64-true``, ``bf16-mixed``, or ``16-mixed`` (with a scaled loss; GPU only).
        gradient_clip: greatest norm of all gradients together; 0 for no clipping.
        ema: decay per step of an exponential moving average of weights and batch-norm statistics, which is then what is evaluated,
            exported and inherited, binary weights being the signs of the averages; 0 for none.
        sync_batchnorm: have batch norms see the batch of all processes together, as one process would.
        checkpoint_every: steps between checkpoints within an epoch; 0 for one after each epoch only.
    """

    precision: str = "32-true"
    gradient_clip: float = 0.0
    ema: float = 0.0
    sync_batchnorm: bool = True
    checkpoint_every: int = 0

    def __post_init__(self) -> None:
        if self.precision not in PRECISIONS:
            raise BadInputError(f"train.precision {self.precision!r} is not known; known are {', '.join(PRECISIONS)}")
        if not self.gradient_clip >= 0:
            raise BadInputError(f"train.gradient_clip {self.gradient_clip} is not a norm; 0 (no clipping) or above is accepted")
        if not 0 <= self.ema < 1:
            raise BadInputError(f"train.ema {self.ema} is not in [0, 1)")
        if self.checkpoint_every < 0:
            raise BadInputError(f"train.checkpoint_every {self.checkpoint_every} is negative")
