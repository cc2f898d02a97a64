"""Make a trained residual network one of integers in disguise."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xnorflow.errors import BadInputError

if TYPE_CHECKING:
    from torch import Tensor, nn

    from xnorflow.qat.checkpoint import CheckpointInfo
    from xnorflow.qat.data.files import FileSplit
    from xnorflow.qat.data.split import Split
    from xnorflow.qat.integerise.report import NetworkReport
    from xnorflow.qat.integerise.settings import IntegeriseSettings

DEFAULT_OUT = Path("out/integers")
FILE_NAME = "integers.ckpt"


@dataclass(frozen=True)
class StepAccuracy:
    """Accuracy on the test images after one step of the way.

    Attributes:
        step: ``trained``, ``integers``, or ``epoch N`` of fine-tuning.
        accuracy: share of the test images that are right.
        won, lost: images right now and not as ``trained``, and the other way round.
    """

    step: str
    accuracy: float
    won: int
    lost: int

    @property
    def chance(self) -> float:
        """How often so uneven a split of the changed images, or a more uneven one, comes by chance (two-sided sign test, exact)."""
        changed, fewer = self.won + self.lost, min(self.won, self.lost)
        return min(1.0, sum(math.comb(changed, count) for count in range(fewer + 1)) / 2 ** (changed - 1)) if changed else 1.0


@dataclass(frozen=True)
class IntegeriseResult:
    """An integerised checkpoint.

    Attributes:
        checkpoint: the file written.
        source: where it came from.
        images: test images looked at.
        steps: accuracy before, after rounding, and after each epoch of fine-tuning.
        report: bound of every step, and saturation of every tensor on the calibration images.
    """

    checkpoint: Path
    source: Path
    images: int
    steps: tuple[StepAccuracy, ...]
    report: NetworkReport

    def to_json(self) -> dict[str, Any]:
        """The figures as plain types."""
        accuracies = [dataclasses.asdict(each) | {"chance": each.chance} for each in self.steps]
        return {
            "checkpoint": str(self.checkpoint),
            "source": str(self.source),
            "images": self.images,
            "accuracies": accuracies,
        } | self.report.to_json()


def integerise(
    checkpoint: Path,
    out: Path = DEFAULT_OUT,
    *,
    bits: Sequence[str] = (),
    fine_tune_epochs: int | None = None,
    settings: Sequence[str] = (),
    data: str | None = None,
    progress: Callable[[str], None] | None = None,
) -> IntegeriseResult:
    """Write ``out/integers.ckpt``, which ``evaluate`` and ``export`` take, and say what it cost.

    Args:
        checkpoint: file that ``train`` wrote.
        out: folder.
        bits: of single parts, ``se=4,8`` (weights, activations) or ``stream=9``.
        fine_tune_epochs: passes over the training images behind the rounding; None for what ``settings`` say, 0 by default.
        settings: others, ``coverage=0.999`` or ``fine_tune.lr=1e-4``.
        data: data set to calibrate and measure on; None for the one it was trained on.
        progress: told what is being done.

    Raises:
        BadInputError: a setting, the checkpoint or the data cannot be used.
        UnsupportedModelError: the network has a layer without integer form, or one that could exceed what float32 holds exactly.
    """
    from xnorflow.qat.checkpoint import load_checkpoint
    from xnorflow.qat.integerise.checkpoint import save_integers
    from xnorflow.qat.integerise.fine_tune import fine_tune
    from xnorflow.qat.integerise.integerise import integerise as round_network
    from xnorflow.qat.integerise.report import report
    from xnorflow.qat.integerise.settings import read_settings
    from xnorflow.qat.training import right_images

    chosen = read_settings(settings if fine_tune_epochs is None else [*settings, f"fine_tune.epochs={fine_tune_epochs}"], bits)
    info, network = load_checkpoint(checkpoint)
    _check_network(network, checkpoint)
    train, test = _splits(info, checkpoint, data, chosen, progress)
    steps: list[StepAccuracy] = []
    before = right_images(network, info.pixel_norm, test)

    def measure(step: str, now: nn.Module) -> None:
        right = before if now is network else right_images(now, info.pixel_norm, test)
        steps.append(StepAccuracy(step, int(right.sum()) / len(test), int((right & ~before).sum()), int((before & ~right).sum())))
        if progress:
            progress(f"{step}: {100 * steps[-1].accuracy:.2f} % of {len(test):,} test images")

    measure("trained", network)
    images = _normalised(train.shuffled(chosen.seed).head(chosen.images), info)
    tuning = chosen.fine_tune
    integers = round_network(network, images, info.pixel_norm, info.scheme, chosen, keep_latents=tuning.end_to_end and tuning.epochs > 0)
    measure("integers", integers)
    if tuning.epochs:
        fine_tune(integers, train, info.pixel_norm, tuning, lambda epoch, loss, now: measure(f"epoch {epoch}, loss {loss:.4f}", now))
    result = IntegeriseResult(out / FILE_NAME, checkpoint, len(test), tuple(steps), report(integers, images))
    out.mkdir(parents=True, exist_ok=True)
    save_integers(result.checkpoint, info, integers, steps[-1].accuracy)
    return result


def _splits(
    info: CheckpointInfo, checkpoint: Path, data: str | None, settings: IntegeriseSettings, progress: Callable[[str], None] | None
) -> tuple[Split, Split | FileSplit]:
    """The training images, all of them only where they are trained on, and the test images."""
    from xnorflow.qat.checkpoint import check_images
    from xnorflow.qat.data.sources import open_split
    from xnorflow.qat.data.split import Split

    spec = info.data if data is None else data
    limit = None if settings.fine_tune.epochs else settings.images
    train = open_split(spec, "train", info.view, progress, limit=limit, seed=settings.seed)
    test = open_split(spec, "test", info.view, progress)
    for split in (train, test):
        check_images(checkpoint, info, spec, split.input_shape, split.classes)
    return train if isinstance(train, Split) else train.loaded(progress), test


def _check_network(network: nn.Module, checkpoint: Path) -> None:
    from xnorflow.qat.freeze import real_layers
    from xnorflow.qat.integerise.network import IntegerNetwork

    if isinstance(network, IntegerNetwork):
        raise BadInputError(f"{checkpoint} is a network of integers already")
    if not real_layers(network):
        raise BadInputError(f"{checkpoint} has no real-valued layers; `xnorflow export` takes it as it is")


def _normalised(split: Split, info: CheckpointInfo) -> Tensor:
    import torch

    from xnorflow.qat.pixel_table import PixelTable

    pixels = PixelTable(info.pixel_norm, split.input_shape[0])
    normalised: Tensor = pixels(torch.from_numpy(split.images))
    return normalised
