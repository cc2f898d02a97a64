"""Quantisers that change with the epochs: how a training tells them, and how soft weights are kept out of results."""

from __future__ import annotations

import math

from torch import nn

from xnorflow.errors import BadInputError, UnsupportedModelError

GREATEST_EXPONENT = 10


class Scheduled(nn.Module):
    """Base of every binariser or weight transform that changes with the epochs; its state is in buffers, so checkpoints hold it."""

    def set_epoch(self, epoch: float, epochs: int) -> None:
        """Say that ``epoch`` (0 before the first) of ``epochs`` are done; the state depends on nothing else."""
        raise NotImplementedError

    def softness(self) -> str | None:
        """Why the forward value is not yet -1 and +1, in words; None when it is."""
        return None


def set_epoch(network: nn.Module, epoch: float, epochs: int) -> None:
    """Tell every scheduled part of ``network`` how far the training is.

    Args:
        network: quantised network.
        epoch: epochs done so far, 0 before the first; a fraction within an epoch is accepted.
        epochs: of the whole training, or of the stage.

    Raises:
        BadInputError: ``epoch`` is not in ``0 .. epochs``, or ``epochs`` is not positive.
    """
    if epochs < 1 or not 0 <= epoch <= epochs:
        raise BadInputError(f"epoch {epoch} of {epochs} does not exist; 0 to a positive number of epochs is accepted")
    for part in network.modules():
        if isinstance(part, Scheduled):
            part.set_epoch(epoch, epochs)


def soft_parts(network: nn.Module) -> dict[str, str]:
    """Name of every part of ``network`` whose values are not -1 and +1 yet, and why."""
    found = {}
    for name, part in network.named_modules():
        reason = part.softness() if isinstance(part, Scheduled) else None
        if reason is not None:
            found[name] = reason
    return found


def require_hard(network: nn.Module) -> None:
    """Refuse a network with soft weights: no accuracy is reported and no file exported of something that is not binary.

    Raises:
        UnsupportedModelError: names the first soft layer and what keeps it soft.
    """
    for name, reason in soft_parts(network).items():
        layer = name.split(".weight_quant")[0].split(".act_quant")[0]
        raise UnsupportedModelError(f"layer network.{layer} is not binary yet: {reason}")


def check_exponents(estimator: str, low: float, high: float) -> None:
    """Refuse decimal exponents of a slope's range that do not rise, or that no float holds, by :class:`BadInputError`."""
    if not -GREATEST_EXPONENT <= low < high <= GREATEST_EXPONENT:
        raise BadInputError(
            f"estimator {estimator}: low {low}, high {high}; exponents from -{GREATEST_EXPONENT} to {GREATEST_EXPONENT}, low below high, are accepted"
        )


def scaled_gamma(threshold: float, share: float, epochs: int) -> float:
    """Factor per epoch that takes a temperature from 1 to ``threshold`` in ``share`` of the epochs: ``threshold ** (1 / (share * epochs))``."""
    if not (0 < threshold < 1 and 0 < share <= 1 and epochs >= 1):
        raise BadInputError(
            f"temperature threshold {threshold}, share {share}, epochs {epochs}: a threshold in (0, 1), a share in (0, 1] and an epoch are needed"
        )
    return float(threshold ** (1 / (share * epochs)))


def hardening_epoch(threshold: float, gamma: float) -> int:
    """First epoch count at which a temperature that starts at 1 and is multiplied by ``gamma`` after each epoch is below ``threshold``."""
    if not (0 < threshold < 1 and 0 < gamma < 1):
        raise BadInputError(f"temperature threshold {threshold}, gamma {gamma}: both must be in (0, 1)")
    return math.floor(math.log(threshold) / math.log(gamma)) + 1
