"""Packed PyTorch models in files: one bit a binary weight, everything else as PyTorch holds it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from xnorflow.errors import BadInputError
from xnorflow.kernels.archive import read_archive, write_archive
from xnorflow.kernels.torch import PackedConv2d, PackedLinear

if TYPE_CHECKING:
    from pathlib import Path

_KINDS = {"conv": PackedConv2d, "linear": PackedLinear}
_SIGNS, _SCALE = "signs", "scale"


def save_packed(model: nn.Module, path: Path) -> int:
    """Write a model whose binary layers ``accelerate`` packed.

    Args:
        model: its packed layers are written at one bit a weight, its other tensors as they are.
        path: of the file.

    Returns:
        The file's length in bytes.

    Raises:
        BadInputError: no layer is packed, or a tensor has a type that the file does not know.
    """
    packed = {name: layer for name, layer in model.named_modules() if isinstance(layer, PackedConv2d)}
    if not packed:
        raise BadInputError("the model has no packed layers; accelerate(model, example) packs them")
    state = model.state_dict()
    arrays = {
        f"state/{key}": value.detach().numpy() for key, value in state.items() if isinstance(value, Tensor) and key.rpartition(".")[0] not in packed
    }
    bits: dict[str, Any] = {}
    layers: dict[str, Any] = {}
    for name, layer in packed.items():
        bits[f"{_SIGNS}/{name}"] = layer.signs.numpy()
        even = bool((layer.scale == layer.scale[0]).all())
        arrays[f"{_SCALE}/{name}"] = (layer.scale[:1] if even else layer.scale).numpy()
        layers[name] = {"kind": "linear" if isinstance(layer, PackedLinear) else "conv", **layer.shape}
    return write_archive(path, arrays, bits, {"layers": layers})


def load_packed(model: nn.Module, path: Path) -> nn.Module:
    """Put a file's packed layers and tensors into a model of the same architecture, in place, and return it.

    Args:
        model: as it was before ``accelerate``; its own weights are replaced.
        path: of the file.

    Raises:
        BadInputError: the file is damaged or of another kind, or holds another architecture; then the model may be partly filled.
    """
    archive = read_archive(path)
    for name, shape in archive.meta["layers"].items():
        signs, scale = (torch.from_numpy(archive.arrays[f"{part}/{name}"].copy()) for part in (_SIGNS, _SCALE))
        where: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in shape.items() if key != "kind"}
        parent, _, last = name.rpartition(".")
        try:
            holder = model.get_submodule(parent)
            holder.get_submodule(last)
        except AttributeError as error:
            raise BadInputError(f"{path} holds layer {name!r}, which the model does not have") from error
        setattr(holder, last, _KINDS[shape["kind"]](signs, scale.expand(len(signs)), **where))
    prefix = "state/"
    state = {key[len(prefix) :]: torch.from_numpy(value.copy()) for key, value in archive.arrays.items() if key.startswith(prefix)}
    wanted = {key for key, value in model.state_dict().items() if isinstance(value, Tensor)}
    if wanted != set(state):
        raise BadInputError(f"{path} holds another architecture: {sorted(wanted ^ set(state))[0]!r} is in only one of them")
    try:
        model.load_state_dict(state, strict=False)
    except RuntimeError as error:
        raise BadInputError(f"{path} holds another architecture: {str(error).splitlines()[-1].strip()}") from error
    return model
