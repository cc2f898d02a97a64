"""Checkpoints: single files that ``torch.load(weights_only=True)`` reads, with all that evaluation, export and resume need."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

import xnorflow
from xnorflow.errors import BadInputError
from xnorflow.models import ModelConfig, build_config
from xnorflow.pixels import PixelNorm
from xnorflow.qat.augmentations.line import AugmentationLine
from xnorflow.qat.data.view import EvaluationView
from xnorflow.qat.integerise.network import IntegerNetwork
from xnorflow.qat.layers import QuantScheme
from xnorflow.qat.method import MethodSettings
from xnorflow.qat.quantise import quantise
from xnorflow.qat.recipe import FINAL_STAGE
from xnorflow.qat.settings import from_mapping
from xnorflow.qat.train_settings import TrainSettings

RECORD = "xnorflow"
FORMAT = 1
NETWORK_PREFIX = "network."
INTEGER_STEPS = "integer_steps"  # of an integerised network, instead of the layers that its configuration has
FREE = ("checkpoint_every", "validate_every")  # decide no weight, so that a resumed training may change them


@dataclass(frozen=True)
class CheckpointInfo:
    """What a checkpoint says about its weights.

    Attributes:
        config: the network.
        scheme: how it was made binary.
        data: spec of the data set it was trained on.
        pixel_norm: normalisation of its pixels.
        classes: names of the classes.
        train: how it was trained.
        accuracy: of the frozen network on the test images; None while training is under way.
        version: of xnorflow.
        method: terms, rule, teachers.
        stage: of the recipe; ``last`` for its only or last one.
        view: how images got the network's size.
        augment: how training images were varied.
        digests: of the images it was trained and tested on, by the split's name; empty where it is not known.
        commit: of the code, where it ran from a git checkout.
        metrics: what was last logged: losses, flips, kurtosis, cosine, accuracy while training.
    """

    config: ModelConfig
    scheme: QuantScheme
    data: str
    pixel_norm: PixelNorm
    classes: tuple[str, ...]
    train: TrainSettings
    accuracy: float | None = None
    version: str = xnorflow.__version__
    method: MethodSettings = field(default_factory=MethodSettings)
    stage: str = FINAL_STAGE
    view: EvaluationView = field(default_factory=EvaluationView)
    augment: tuple[AugmentationLine, ...] = ()
    digests: dict[str, str] = field(default_factory=dict)
    commit: str | None = None
    metrics: dict[str, float] = field(default_factory=dict)

    def to_record(self) -> dict[str, Any]:
        """Plain types, for the file."""
        return dataclasses.asdict(self) | {"format": FORMAT, "pixel_norm": self.pixel_norm.to_json(), "classes": list(self.classes)}


def load_checkpoint(path: Path) -> tuple[CheckpointInfo, nn.Module]:
    """Read a checkpoint and rebuild its quantised network, in evaluation mode.

    Raises:
        BadInputError: the file is missing, damaged, no checkpoint of ours, or its weights do not fit its configuration.
    """
    content = _read(path)
    info = _info(content, path)
    network = _network(content, info, path)
    state = {key.removeprefix(NETWORK_PREFIX): value for key, value in content["state_dict"].items() if str(key).startswith(NETWORK_PREFIX)}
    load_weights(network, state, path)
    return info, network.eval()


def _network(content: dict[str, Any], info: CheckpointInfo, path: Path) -> nn.Module:
    if INTEGER_STEPS in content:
        return IntegerNetwork.from_record(content[INTEGER_STEPS], str(path))
    return quantise(build_config(info.config), info.scheme)


def load_weights(network: nn.Module, state: dict[str, Tensor], path: Path) -> None:
    """Load strictly: every weight of the network from the state, and none left over.

    Raises:
        BadInputError: names and shapes differ, or a padding value does; ``path`` is named.
    """
    try:
        network.load_state_dict(state, strict=True)
    except BadInputError as error:
        raise BadInputError(f"{path}: {error}") from error
    except (RuntimeError, KeyError, TypeError) as error:
        reason = " ".join(str(error).split())
        raise BadInputError(f"{path}: its weights do not fit its network: {reason[:300]}") from error


def stage_of(path: Path) -> str:
    """Name of the stage that wrote a checkpoint.

    Raises:
        BadInputError: the file is missing, damaged, or no checkpoint of ours.
    """
    return read_info(path).stage


@dataclass(frozen=True)
class Reached:
    """How far the training was that wrote a checkpoint.

    Attributes:
        info: its record.
        step: iterations of the stage.
        finished: the whole training is over, and its accuracy known.
    """

    info: CheckpointInfo
    step: int
    finished: bool


def reached(path: Path) -> Reached:
    """How far a checkpoint is.

    Raises:
        BadInputError: the file is missing, damaged, or no checkpoint of ours.
    """
    content = _read(path)
    info = _info(content, path)
    step = content.get("global_step")
    over = info.stage == FINAL_STAGE and info.accuracy is not None and content.get("epoch") == info.train.epochs
    return Reached(info, step if isinstance(step, int) else 0, over)


def read_info(path: Path) -> CheckpointInfo:
    """What a checkpoint says about itself, without its network.

    Raises:
        BadInputError: the file is missing, damaged, or no checkpoint of ours.
    """
    return _info(_read(path), path)


def check_images(path: Path, info: CheckpointInfo, spec: str, shape: tuple[int, int, int], classes: Sequence[str]) -> None:
    """Refuse images that the network of a checkpoint was not made for.

    Args:
        path: the checkpoint, for the message.
        info: what it says about itself.
        spec: of the data set, for the message.
        shape: ``(C, H, W)`` of its images.
        classes: their names, in the order of the labels.

    Raises:
        BadInputError: shape, number of classes or a class's name differs.
    """
    if shape != info.config.input_shape or len(classes) != info.config.num_classes:
        raise BadInputError(
            f"data {spec} has images {shape} of {len(classes)} classes; {path} takes {info.config.input_shape} of {info.config.num_classes}"
        )
    if differing := other_classes(info.classes, classes):
        raise BadInputError(f"data {spec} has other classes than {path} was trained with: {differing}")


def other_classes(trained: Sequence[str], shown: Sequence[str]) -> str:
    """In words, the first class that has another name among those that are shown to a network than it was trained with; empty where none has."""
    for label, (there, here) in enumerate(zip_longest(trained, shown)):
        if there != here:
            return f"label {label} was {there!r} and is {here!r}"
    return ""


def check_resumable(path: Path, new: CheckpointInfo) -> None:
    """Refuse to go on with anything but the training the checkpoint was written by.

    Raises:
        BadInputError: the file is no checkpoint or holds no optimiser state, or a setting differs: names the first one, with
            both values.
    """
    content = _read(path)
    old = _info(content, path)
    if not content.get("optimizer_states"):
        raise BadInputError(f"{path} holds weights only, no state of the optimiser to go on from")
    if not _has_trainer_state(content):
        raise BadInputError(f"{path}: the state of its trainer or optimiser is damaged")
    if old.stage != new.stage:
        raise BadInputError(f"{path} was written in stage {old.stage}, stage {new.stage} is expected")
    for part in ("config", "scheme", "train", "method"):
        before, after = getattr(old, part), getattr(new, part)
        for name in (each.name for each in dataclasses.fields(before)):
            if name not in FREE and getattr(before, name) != getattr(after, name):
                raise BadInputError(
                    f"{path} was trained with {name} {getattr(before, name)}, the recipe says {getattr(after, name)}; resume takes the same recipe"
                )
    for name in ("view", "augment"):
        if getattr(old, name) != getattr(new, name):
            raise BadInputError(
                f"{path} was trained with {name} {getattr(old, name)}, the recipe says {getattr(new, name)}; resume takes the same recipe"
            )
    if old.pixel_norm != new.pixel_norm:
        raise BadInputError(f"{path} normalises pixels by {old.pixel_norm.to_json()}, the recipe by {new.pixel_norm.to_json()}")
    for split, digest in new.digests.items():
        if old.digests.get(split, digest) != digest:
            raise BadInputError(f"{path} was trained with other {split} images than those of {new.data}: resume takes the same images")


def _read(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise BadInputError(f"checkpoint {path} does not exist")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged file raises anything
        raise BadInputError(f"{path} is no checkpoint, or it is damaged") from error
    if not (isinstance(content, dict) and isinstance(content.get(RECORD), dict) and isinstance(content.get("state_dict"), dict)):
        raise BadInputError(f"{path} is no checkpoint of xnorflow")
    return content


def _info(content: dict[str, Any], path: Path) -> CheckpointInfo:
    record = dict(content[RECORD])
    if record.get("format") != FORMAT:
        raise BadInputError(f"{path} is a checkpoint of format {record.get('format')}; this version reads format {FORMAT}")
    if not isinstance(record.get("config"), dict) or "padding_value" not in record["config"]:
        raise BadInputError(f"{path} does not say which padding value its network was trained with")
    try:
        return CheckpointInfo(
            config=from_mapping(ModelConfig, record["config"], f"{path}: config"),
            scheme=from_mapping(QuantScheme, record["scheme"], f"{path}: scheme"),
            data=str(record["data"]),
            pixel_norm=PixelNorm.from_json(record["pixel_norm"]),
            classes=tuple(record["classes"]),
            train=from_mapping(TrainSettings, record["train"], f"{path}: train"),
            accuracy=record["accuracy"],
            version=str(record["version"]),
            method=from_mapping(MethodSettings, record.get("method"), f"{path}: method"),
            stage=str(record.get("stage", FINAL_STAGE)),
            view=from_mapping(EvaluationView, record.get("view"), f"{path}: view"),
            augment=tuple(from_mapping(AugmentationLine, line, f"{path}: augment") for line in record.get("augment", ())),
            digests={str(split): str(digest) for split, digest in dict(record.get("digests", {})).items()},
            commit=record.get("commit"),
            metrics={str(name): float(value) for name, value in dict(record.get("metrics", {})).items()},
        )
    except KeyError as error:
        raise BadInputError(f"{path} is no complete checkpoint: {error.args[0]} is missing") from error
    except (TypeError, ValueError) as error:
        raise BadInputError(f"{path} is no complete checkpoint: {error}") from error


def _has_trainer_state(content: dict[str, Any]) -> bool:
    """Whether Lightning and the optimiser find the entries that they read unasked."""
    states = content["optimizer_states"]
    return isinstance(states, list) and all(map(_is_optimiser_state, states)) and isinstance(content.get("pytorch-lightning_version"), str)


def _is_optimiser_state(state: object) -> bool:
    """Whether an optimiser, or each part of a combined one, finds its entries."""
    if not isinstance(state, dict):
        return False
    parts = state.get("parts")
    if isinstance(parts, list) and parts:
        return all(map(_is_optimiser_state, parts))
    return {"state", "param_groups"} <= set(state)
