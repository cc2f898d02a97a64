"""Teachers from torchvision: its architectures, its published normalisation, its files of weights."""

from __future__ import annotations

import difflib
import re
from pathlib import Path

import torch
import torchvision
from torch import Tensor, nn

from xnorflow.errors import BadInputError
from xnorflow.pixels import PixelNorm
from xnorflow.qat.checkpoint import load_weights

# Their published weights normalise a second time, inside the network.
NORMALISED_INSIDE = ("googlenet", "inception_v3")
EXAMPLES = ("resnet34", "densenet121", "efficientnet_b0", "convnext_tiny")
# Published DenseNets are older than the rule that a module's name has no dot.
DOTTED = re.compile(r"(denselayer\d+\.(?:norm|conv))\.([12])\.")


def torchvision_architecture(name: str, classes: int) -> nn.Module:
    """The classifier ``name`` of torchvision, untrained, for ``classes`` classes.

    Raises:
        BadInputError: torchvision has no such classifier, or its pixels are not normalised as published ones are.
    """
    known = [each for each in torchvision.models.list_models(module=torchvision.models) if each not in NORMALISED_INSIDE]
    if name not in known:
        near = difflib.get_close_matches(name, known, 4) or EXAMPLES
        raise BadInputError(f"teacher: torchvision has no classifier {name!r} that can teach; it has {', '.join(near)} and others")
    network: nn.Module = torchvision.models.get_model(name, weights=None, num_classes=classes)
    return network


def torchvision_teacher(name: str, weights: Path, classes: int, channels: int) -> tuple[nn.Module, PixelNorm]:
    """The classifier ``name`` with the weights of a file, and the normalisation that torchvision publishes with it.

    Args:
        name: of the architecture, ``resnet34`` for one.
        weights: file of its ``state_dict``, as torchvision publishes or ``torch.save`` writes it.
        classes: of the data; the file must have as many.
        channels: of an image.

    Raises:
        BadInputError: the architecture is not known, or the file is missing, damaged or of another network or number of classes.
    """
    network = torchvision_architecture(name, classes)
    if channels != 3:
        raise BadInputError(f"teacher {name} of torchvision takes images of 3 channels, the data have {channels}")
    state = {DOTTED.sub(r"\1\2.", key): value for key, value in _state(name, weights).items()}
    _check_classes(name, weights, network, state, classes)
    load_weights(network, state, weights)
    published = torchvision.models.get_model_weights(name).DEFAULT.transforms()
    return network, PixelNorm(mean=tuple(published.mean), std=tuple(published.std))


def _state(name: str, weights: Path) -> dict[str, Tensor]:
    if not weights.is_file():
        raise BadInputError(
            f"teacher {name}: weights {weights} do not exist; save torchvision's state_dict of {name} there, "
            f"torch.save(torchvision.models.{name}(weights='DEFAULT').state_dict(), {str(weights)!r})"
        )
    try:
        state = torch.load(weights, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged file raises anything
        raise BadInputError(f"teacher {name}: {weights} is no file of weights, or it is damaged") from error
    if not isinstance(state, dict) or not all(isinstance(key, str) and isinstance(value, Tensor) for key, value in state.items()):
        raise BadInputError(f"teacher {name}: {weights} holds no state_dict, tensors by name")
    return state


def _check_classes(name: str, weights: Path, network: nn.Module, state: dict[str, Tensor], classes: int) -> None:
    *_, last = (key for key, layer in network.named_modules() if isinstance(layer, nn.Linear | nn.Conv2d))
    found = state.get(f"{last}.weight")
    if found is not None and len(found) != classes:
        raise BadInputError(
            f"teacher {name}: {weights} tells {len(found)} classes apart, the data have {classes}; "
            f"train torchvision.models.{name}(num_classes={classes}) on them and save its state_dict"
        )
