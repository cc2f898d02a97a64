"""The binary kernels inside PyTorch: an operator that torch.compile knows, and a switch for trained models.

``accelerate`` puts packed layers in the place of the binary convolutions and matrix products of a trained model, in the model
itself. Registration is pure Python; nothing is compiled against PyTorch.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

import numpy as np
import torch
from torch import Tensor, nn

from xnorflow.errors import BadInputError
from xnorflow.kernels.conv import BinaryConv2d

if TYPE_CHECKING:
    from collections.abc import Iterator

TRANSPARENT = (nn.Flatten, nn.MaxPool2d, nn.Identity, nn.Dropout)
"""Modules behind which -1 and +1 are still -1 and +1, in evaluation."""

_LIBRARY = torch.library.Library("xnorflow", "DEF")  # type: ignore[no-untyped-call]
_LIBRARY.define("binary_conv2d(Tensor x, int layer) -> Tensor")  # type: ignore[no-untyped-call]
_LAYERS: WeakValueDictionary[int, PackedConv2d] = WeakValueDictionary()
_NUMBERS = count()


@dataclass(frozen=True)
class Replaced:
    """What became of one convolution or matrix product.

    Attributes:
        name: of the module in the model.
        packed: whether it was replaced.
        reason: why it stays, empty where it was replaced.
    """

    name: str
    packed: bool
    reason: str = ""


class PackedConv2d(nn.Module):
    """A convolution of -1 and +1 by -1 and +1, times a factor a channel: float32 ``(N, C, H, W)`` to ``(N, M, OH, OW)``.

    Inputs of 0 and more count as +1, all others as -1; there is no gradient. The result is ``float32(sum) * scale``,
    rounded once. It lies channels last in memory.

    Args:
        signs: -1 and +1, ``(M, C / groups, KH, KW)``.
        scale: float32 ``(M,)``.
        stride, padding, dilation: pairs as in ``torch.nn.Conv2d``.
        groups: 1, or C for a depthwise convolution (M = C).
        pad_value: -1, 0 or +1, what stands in the padding.
    """

    signs: Tensor
    scale: Tensor

    def __init__(
        self,
        signs: Tensor,
        scale: Tensor,
        *,
        stride: tuple[int, int] = (1, 1),
        padding: tuple[int, int] = (0, 0),
        dilation: tuple[int, int] = (1, 1),
        groups: int = 1,
        pad_value: int = 0,
    ) -> None:
        super().__init__()
        self.register_buffer("signs", signs.detach().to(torch.int8).cpu(), persistent=False)
        self.register_buffer("scale", scale.detach().to(torch.float32).cpu(), persistent=False)
        self.shape: dict[str, Any] = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups, "pad_value": pad_value}
        self._prepare()

    def _prepare(self) -> None:
        self.number = next(_NUMBERS)
        _LAYERS[self.number] = self
        self._conv = BinaryConv2d(self.signs.numpy(), **self.shape)
        self._none = np.zeros(len(self.signs), np.float32)

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)  # type: ignore[no-untyped-call]
        self._prepare()

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name not in ("number", "_conv", "_none")}

    def output_size(self, height: int, width: int) -> tuple[int, int]:
        """Rows and columns of the output."""
        window, (top, _, left, _) = self._conv.window, self._conv.margin
        _, rows, columns = window.count((1, height + 2 * top, width + 2 * left, 1))
        return rows, columns

    def compute(self, x: Tensor) -> Tensor:
        """The kernels on one tensor, which they read where it lies."""
        channels = self.signs.shape[1] * self.shape["groups"]
        if x.dtype != torch.float32 or x.dim() != 4 or x.shape[1] != channels:
            raise BadInputError(f"a packed layer got {x.dtype} {tuple(x.shape)}; float32 (N, {channels}, H, W) is accepted")
        self._conv.threads = torch.get_num_threads()
        out = self._conv.floats(self._conv.pack(x.detach().numpy()), self.scale.numpy(), self._none)
        return torch.from_numpy(out).permute(0, 3, 1, 2)

    def forward(self, x: Tensor) -> Tensor:
        """The layer, as an operator that PyTorch's compilers do not look into."""
        result: Tensor = torch.ops.xnorflow.binary_conv2d(x, self.number)
        return result


class PackedLinear(PackedConv2d):
    """A matrix product of -1 and +1: float32 ``(..., K)`` to ``(..., M)``; ``signs`` are ``(M, K, 1, 1)``."""

    def forward(self, x: Tensor) -> Tensor:
        """The layer on the last axis."""
        flat = x.reshape(-1, x.shape[-1], 1, 1)
        return super().forward(flat).reshape(*x.shape[:-1], len(self.signs))


def _compute(x: Tensor, layer: int) -> Tensor:
    return _LAYERS[layer].compute(x)


def _shape_only(x: Tensor, layer: int) -> Tensor:
    module = _LAYERS[layer]
    rows, columns = module.output_size(x.shape[2], x.shape[3])
    return x.new_empty((x.shape[0], rows, columns, len(module.signs))).permute(0, 3, 1, 2)


_LIBRARY.impl("binary_conv2d", _compute, "CPU")  # type: ignore[no-untyped-call]
torch.library.register_fake("xnorflow::binary_conv2d", _shape_only, lib=_LIBRARY)


def accelerate(model: nn.Module, example: Tensor) -> list[Replaced]:
    """Replace the binary layers of a trained model by packed ones, in place, for inference on the CPU.

    A convolution or matrix product is replaced if its weights have one magnitude in every output channel and its input
    comes straight, or through modules of ``TRANSPARENT``, from a module with an attribute ``bits`` of 1, whose outputs are -1 and +1.
    One run of the model on ``example`` shows where inputs come from.

    Args:
        model: in evaluation mode, on the CPU. Weights may be quantised by Brevitas.
        example: an input of the model.

    Returns:
        Every convolution and matrix product of the model in order, with the reason where it stays as it is.

    Raises:
        BadInputError: the model is in training mode.
    """
    if model.training:
        raise BadInputError("the model is in training mode; call model.eval() before accelerate")
    sources = _bipolar_inputs(model, example)
    report = []
    for name, layer in list(_layers(model)):
        reason = _obstacle(layer, sources.get(name))
        report.append(Replaced(name, not reason, reason))
        if not reason:
            parent, _, last = name.rpartition(".")
            setattr(model.get_submodule(parent), last, _packed(layer))
    return report


def _layers(model: nn.Module) -> Iterator[tuple[str, nn.Conv2d | nn.Linear]]:
    for name, layer in model.named_modules():
        if isinstance(layer, nn.Conv2d | nn.Linear) and name:
            yield name, layer


def _bipolar_inputs(model: nn.Module, example: Tensor) -> dict[str, bool]:
    """Which layers that ran read -1 and +1 from a quantiser in every call."""
    bipolar: list[Tensor] = []  # kept alive, so that no later tensor takes the identity of one of them
    found: dict[str, bool] = {}

    def known(args: tuple[Any, ...]) -> bool:
        return bool(args) and any(args[0] is tensor for tensor in bipolar)

    def note(module: nn.Module, args: tuple[Any, ...], output: Any) -> None:
        signs = getattr(module, "bits", None) == 1 and not isinstance(module, nn.Conv2d | nn.Linear)
        if isinstance(output, Tensor) and (signs or (isinstance(module, TRANSPARENT) and known(args))):
            bipolar.append(output)

    handles = [module.register_forward_hook(note) for module in model.modules()]
    for name, layer in _layers(model):
        handles.append(layer.register_forward_pre_hook(lambda _, args, name=name: found.__setitem__(name, found.get(name, True) and known(args))))
    try:
        with torch.no_grad():
            model(example)
    finally:
        for handle in handles:
            handle.remove()
    return found


def _obstacle(layer: nn.Conv2d | nn.Linear, bipolar: bool | None) -> str:
    """Why a layer cannot be packed; empty where it can."""
    if bipolar is None:
        return "it was not called on the example"
    if not bipolar:
        return "its input does not come from a one-bit quantiser"
    if isinstance(layer, nn.Conv2d) and (not _one_group_or_depthwise(layer) or layer.padding_mode != "zeros" or isinstance(layer.padding, str)):
        return f"groups {layer.groups} and padding {layer.padding!r} in mode {layer.padding_mode!r} have no kernel"
    if layer.bias is not None:
        return "it has a bias"
    weight = _weight(layer).flatten(1).abs()
    if not bool((weight == weight[:, :1]).all()) or not bool((weight[:, 0] > 0).all()):
        return "its weights have more than one magnitude in an output channel, or none"
    return ""


def _one_group_or_depthwise(layer: nn.Conv2d) -> bool:
    return layer.groups == 1 or layer.groups == layer.in_channels == layer.out_channels


def _weight(layer: nn.Conv2d | nn.Linear) -> Tensor:
    """The weights that the layer multiplies by: the quantised ones of a Brevitas layer."""
    quantised = getattr(layer, "quant_weight", None)
    weight: Tensor = layer.weight if quantised is None else quantised().value
    return weight.detach()


def _packed(layer: nn.Conv2d | nn.Linear) -> PackedConv2d:
    weight = _weight(layer)
    scale, signs = weight.flatten(1)[:, 0].abs(), torch.where(weight >= 0, 1, -1)
    if isinstance(layer, nn.Linear):
        return PackedLinear(signs[:, :, None, None], scale)
    border, value = int(getattr(layer, "border", 0)), int(getattr(layer, "padding_value", 0))
    padding, stride, dilation = (_pair(sizes) for sizes in (layer.padding, layer.stride, layer.dilation))
    around = (padding[0] + border, padding[1] + border)
    return PackedConv2d(signs, scale, stride=stride, padding=around, dilation=dilation, groups=layer.groups, pad_value=value)


def _pair(sizes: Any) -> tuple[int, int]:
    return int(sizes[0]), int(sizes[1])
