"""Exponential moving average of a network, which is what is evaluated and exported."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import lightning
import torch
from lightning.pytorch.callbacks import Callback
from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

AVERAGED = "averaged"
STATISTICS = ("running_mean", "running_var")


class WeightAverage(Callback):
    """``average <- decay * average + (1 - decay) * value`` after each step, by torch's own function; the first step's values begin it.

    Averaged are the parameters that learn and the statistics of batch norms; all else (temperatures, hardened weights) is
    the network's own. A checkpoint holds the averages where every reader looks for weights, and the weights that go on
    learning beside them.

    Args:
        network: that is trained.
        decay: in (0, 1).
        prefix: of the network's names in the module's state.
    """

    def __init__(self, network: nn.Module, decay: float, prefix: str) -> None:
        self.network = network
        self.prefix = prefix
        self.blend = get_ema_multi_avg_fn(decay)  # type: ignore[no-untyped-call]  # torch does not annotate it
        self.averages: dict[str, Tensor] = {}
        self.step = 0

    def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        self.averages = {name: value.to(pl_module.device) for name, value in self.averages.items()}  # a checkpoint is read before the network moves

    @torch.no_grad()
    def on_train_batch_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, *_: Any) -> None:
        if trainer.global_step == self.step:
            return
        self.step = trainer.global_step
        current = self._current()
        if not self.averages:
            self.averages = {name: value.detach().clone() for name, value in current.items()}
            return
        self.averages = {name: self.averages[name] for name in current}
        self.blend(tuple(self.averages.values()), tuple(value.detach() for value in current.values()), self.step)

    def on_validation_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        self._exchange()

    def on_validation_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        self._exchange()

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """The network has the averages inside, its own weights outside."""
        self._exchange()
        try:
            yield
        finally:
            self._exchange()

    def on_save_checkpoint(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, checkpoint: dict[str, Any]) -> None:
        state = checkpoint["state_dict"]
        own = {name: state[self.prefix + name] for name in self.averages}
        checkpoint["state_dict"] = state | {self.prefix + name: value for name, value in self.averages.items()}
        checkpoint[AVERAGED] = {"own": own, "step": self.step}

    def on_load_checkpoint(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, checkpoint: dict[str, Any]) -> None:
        saved = checkpoint[AVERAGED]
        current = self.network.state_dict()  # shares memory with the network
        self.step = saved["step"]
        self.averages = {name: current[name].clone() for name in saved["own"]}
        with torch.no_grad():
            for name, value in saved["own"].items():
                current[name].copy_(value)

    @torch.no_grad()
    def _exchange(self) -> None:
        current = self._current()
        for name, average in self.averages.items():
            if name in current:
                own = current[name].clone()
                current[name].copy_(average)
                average.copy_(own)

    def _current(self) -> dict[str, Tensor]:
        found: dict[str, Tensor] = {name: value for name, value in self.network.named_parameters() if value.requires_grad}
        return found | {name: value for name, value in self.network.named_buffers() if name.rpartition(".")[2] in STATISTICS}
