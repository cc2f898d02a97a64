"""The progress bar, which names the stage."""

from __future__ import annotations

from lightning.pytorch.callbacks import RichProgressBar


class StageBar(RichProgressBar):
    """Lightning's bar with the stage's name and epochs counted from one.

    Args:
        title: of the stage; empty for a recipe with one only.
    """

    def __init__(self, title: str) -> None:
        super().__init__()
        self.title = title

    def _get_train_description(self, current_epoch: int) -> str:
        return f"{self.title} epoch {current_epoch + 1} of {self.trainer.max_epochs}".strip()
