"""Real weights until they are told to be signs (BNEW, ProxQuant, the real-valued stages of distillation)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from xnorflow.qat.binarisers.gradient import estimated
from xnorflow.qat.binarisers.schedule import Scheduled
from xnorflow.qat.estimators import sign


class RealWeight(Scheduled):
    """The weights themselves, in training and in evaluation; after :func:`harden` their signs, straight through.

    For methods that act on the parameters and not on the quantiser, so that one network and one checkpoint serve the
    real-valued and the binary phase.
    """

    hard: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("hard", torch.tensor(False))

    def set_epoch(self, epoch: float, epochs: int) -> None:
        pass

    def softness(self) -> str | None:
        return None if bool(self.hard) else "its weights are real-valued; harden them first"

    def value(self, w: Tensor) -> Tensor:
        """What the forward pass gives, any shape."""
        return torch.where(self.hard, sign(w), w)

    def forward(self, w: Tensor) -> Tensor:
        """Real weights or signs, any shape."""
        return estimated(w, self.value)


def harden(network: nn.Module) -> int:
    """Make every :class:`RealWeight` of ``network`` use signs from now on; returns how many there are."""
    parts = _real_weights(network)
    for part in parts:
        part.hard.fill_(True)
    return len(parts)


def is_hard(network: nn.Module) -> bool:
    """Whether ``network`` has weights that :func:`harden` made signs."""
    return any(bool(part.hard) for part in _real_weights(network))


def _real_weights(network: nn.Module) -> list[RealWeight]:
    return [part for part in network.modules() if isinstance(part, RealWeight)]
