"""What the training loop knows of a method: one object that moves its schedules and gives named losses."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from xnorflow.errors import BadInputError
from xnorflow.qat.binarisers.real import harden, is_hard
from xnorflow.qat.binarisers.schedule import set_epoch
from xnorflow.qat.latents import has_statistical_scale, latent_range, latent_weights, weight_transforms
from xnorflow.qat.method import MethodSettings
from xnorflow.qat.optim.after_step import attach
from xnorflow.qat.optim.bnew import BINARY_SHARE, NotBinaryWarning, freeze_signs
from xnorflow.qat.optim.flips import FlipCounter
from xnorflow.qat.regularise.kurtosis import kurtosis, regularised_weights
from xnorflow.qat.regularise.metrics import cosine_to_sign, near_one_share
from xnorflow.qat.taps import FeatureTaps
from xnorflow.qat.teachers import Teacher, on_duty
from xnorflow.qat.terms import Observation, WeightTerm


def _silent(message: str) -> None:
    pass


def _at_least_float32(x: Tensor) -> Tensor:
    return x.float() if x.dtype in (torch.bfloat16, torch.float16) else x


class Lesson:
    """One stage's method on one network.

    Args:
        network: quantised network that is trained.
        method: the stage's settings.
        weight: name of its weights' binariser, which decides their range where the method names no rule.
        loss: term that is the loss where the method names none.
        teachers: the method's, in order.
        tell: told what the user should know.

    Raises:
        BadInputError: a tap does not exist, a term does not fit the number of weights, or the method hardens weights that are no real ones.
    """

    def __init__(
        self,
        network: nn.Module,
        method: MethodSettings,
        *,
        weight: str = "ste",
        loss: str = "cross-entropy",
        teachers: tuple[Teacher, ...] = (),
        tell: Callable[[str], None] | None = None,
    ) -> None:
        if method.harden_at is not None and weight != "real":
            raise BadInputError(f"method.harden_at is for weights that are real, quant.weight is {weight}")
        self.network, self.method, self.teachers = network, method, teachers
        self.tell = tell or _silent
        self.loss = method.loss(loss)
        self.latents = latent_weights(network)
        self.weights = regularised_weights(network)
        for term in self.loss.terms:
            if isinstance(term, WeightTerm):
                term.check_weights(len(self.weights))
        self.rule = latent_range(weight).rule() if method.rule is None else method.rule.make()
        self.taps = FeatureTaps(network, method.taps)
        self.transforms = weight_transforms(network)
        self.flips = self.changes = FlipCounter(self.latents, self.transforms)
        self.present: tuple[Teacher, ...] = teachers

    def attach(self, optimizer: Optimizer) -> None:
        """Have the weights' rule follow every step of ``optimizer``."""
        if self.rule is not None and self.latents:
            attach(optimizer, self.latents, self.rule)

    def start_epoch(self, epoch: int, epochs: int, *, within: bool = False) -> None:
        """Move everything that follows the epochs to ``epoch`` (0 first) of ``epochs``.

        Args:
            epoch: that begins.
            epochs: of the stage.
            within: whether it goes on rather than begins; what looks at the weights has been decided then.
        """
        set_epoch(self.network, epoch, epochs)
        self.present = on_duty(self.teachers, epoch, epochs)
        if self.rule is not None:
            self.rule.set_epoch(epoch, epochs)
        if self.method.harden_at is not None and (is_hard(self.network) or (not within and self._ripe(self.method.harden_at, epoch, epochs))):
            self._harden()
        self.flips = FlipCounter(self.latents, self.transforms)

    def epoch_state(self) -> list[Tensor]:
        """What :meth:`start_epoch` does not find anew within an epoch: the signs at its beginning, boolean, one tensor a weight."""
        return self.flips.start

    def load_epoch_state(self, signs: list[Tensor]) -> None:
        """Go on within an epoch, after :meth:`start_epoch`."""
        self.flips.start = self.flips.last = [value.to(weight.device) for value, weight in zip(signs, self.latents, strict=True)]

    def finish(self, epoch: int, epochs: int) -> None:
        """Move the schedules to the end of the training, ``epoch`` of ``epochs`` done, and take the taps off."""
        set_epoch(self.network, epoch, epochs)
        self.close()

    def close(self) -> None:
        """Take the taps off the network and the teachers."""
        for taps in (self.taps, *(teacher.taps for teacher in self.teachers)):
            taps.close()

    def losses(self, pixels: Tensor, logits: Tensor, labels: Tensor, step: int, steps: int) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss of the step whose forward pass just ran, in float32 or better whatever precision the network computes in.

        Args:
            pixels: uint8 ``(N, H, W, C)``, for the teachers.
            logits: the network's, ``(N, K)``.
            labels: int64 ``(N,)``, or shares, float32 ``(N, K)``.
            step: iterations done.
            steps: iterations of the stage.

        Returns:
            The total with gradient, and the value of each term before weighting.
        """
        features = self.taps.ordered()
        self.taps.clear()
        taught = [teacher.guide(pixels) for teacher in self.present]
        seen = Observation(
            _at_least_float32(logits),
            labels,
            teacher_logits=[guidance.logits for guidance in taught],
            features=[_at_least_float32(feature) for feature in features],
            teacher_features=[guidance.features for guidance in taught],
            weights=self.weights,
            teacher_weights=self.present[0].weights if self.present else (),
            parts=dict(self.loss.parts.items()),
        )
        with torch.autocast(logits.device.type, enabled=False):
            return self.loss(seen, step, steps)

    def metrics(self) -> dict[str, float]:
        """Of the binary weights: shares of signs flipped since the epoch began, changed since the stage began, near +-1; mean kurtosis and cosine."""
        if not self.latents:
            return {}
        count = len(self.latents)
        with torch.no_grad():
            return {
                "flips": self.flips.lap(),
                "changed": self.changes.since_start(),
                "near_one": near_one_share(self.latents),
                "kurtosis": sum(float(kurtosis(w)) for w in self.latents) / count,
                "cosine": sum(cosine_to_sign(w) for w in self.latents) / count,
            }

    def _ripe(self, harden_at: float, epoch: int, epochs: int) -> bool:
        latest = harden_at if self.method.harden_by is None else self.method.harden_by
        if epoch >= min(latest * epochs, epochs - 1):
            return True
        return epoch >= harden_at * epochs and near_one_share(self.latents) >= BINARY_SHARE

    def _harden(self) -> None:
        if is_hard(self.network):
            for weight in self.latents:
                weight.requires_grad_(False)
            return
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", NotBinaryWarning)
            freeze_signs(self.latents, keep_mean=has_statistical_scale(self.network))
        for each in caught:
            self.tell(str(each.message))
        harden(self.network)
