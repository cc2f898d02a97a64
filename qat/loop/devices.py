"""Which processors train together."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from lightning.fabric.plugins.environments.torchelastic import TorchElasticEnvironment
from lightning.pytorch.strategies import DDPStrategy

from xnorflow.errors import BadInputError
from xnorflow.qat.loop.ranks import be_first
from xnorflow.qat.loop.settings import LoopSettings

ACCELERATORS = ("auto", "cpu", "gpu")


@dataclass(frozen=True)
class Devices:
    """Processors of one training; each has a process of its own and an equal share of every batch.

    Attributes:
        accelerator: ``cpu``, ``gpu``, or ``auto`` for a GPU if there is one.
        per_node: processes of a machine; None for one, or under ``torchrun`` for all it started.
        nodes: machines. All see the same folders.
    """

    accelerator: str = "auto"
    per_node: int | None = None
    nodes: int = 1

    def __post_init__(self) -> None:
        if self.accelerator not in ACCELERATORS:
            raise BadInputError(f"accelerator {self.accelerator!r} is not known; known are {', '.join(ACCELERATORS)}")
        if self.nodes < 1 or (self.per_node is not None and self.per_node < 1):
            raise BadInputError(f"{self.per_node} devices of {self.nodes} nodes: one or more of each are needed")

    def count(self) -> int:
        """Processes of a machine."""
        if self.per_node is None and TorchElasticEnvironment.detect():
            return TorchElasticEnvironment().world_size() // self.nodes
        return self.per_node or 1

    def strategy(self, freezes: bool) -> DDPStrategy | str:
        """Lightning's strategy.

        Args:
            freezes: parameters stop learning on the way, so that gradients are to be looked for at every step.
        """
        if self.count() * self.nodes > 1:
            return DDPStrategy(find_unused_parameters=freezes)
        be_first()  # also as one of many tasks of a cluster's job
        return "auto"

    def check(self, settings: LoopSettings) -> None:
        """Refuse what these processors cannot compute.

        Raises:
            BadInputError: half precision without a GPU, or a GPU that is not there.
        """
        gpu = torch.cuda.is_available()
        if self.accelerator == "gpu" and not gpu:
            raise BadInputError("accelerator gpu: PyTorch finds no GPU; cpu or auto is accepted")
        if settings.precision == "16-mixed" and (self.accelerator == "cpu" or not gpu):
            raise BadInputError("train.precision 16-mixed needs a GPU; on a CPU 32-true, 64-true and bf16-mixed are accepted")
