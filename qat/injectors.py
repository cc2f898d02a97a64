"""Every binary quantiser by name: the words a recipe uses, and the Brevitas injectors they stand for."""

from __future__ import annotations

import inspect
from typing import Any

from xnorflow.errors import BadInputError
from xnorflow.qat.binarisers.ede import EdeSign
from xnorflow.qat.binarisers.progressive import ProgressiveSign
from xnorflow.qat.binarisers.rbnn import RbnnSign
from xnorflow.qat.binarisers.real import RealWeight
from xnorflow.qat.binarisers.rotation import Rotation
from xnorflow.qat.binarisers.tanh_activation import TanhActivation
from xnorflow.qat.binarisers.tanh_anneal import TanhAnneal
from xnorflow.qat.binarisers.transforms import RectifiedClamp, SampleScale, Standardise
from xnorflow.qat.brevitas import ScalingPerOutputType
from xnorflow.qat.estimators import ApproxSign, SteSign
from xnorflow.qat.quantisers import BinaryActivationQuant, BinaryWeight, RealTensorQuant, Untransformed
from xnorflow.qat.scales import LearnedPowerOfTwoScale, LearnedScale, MeanScale, PowerOfTwoScale

UNCLIPPED = float("inf")
MODULE = "module"  # what a transform that follows its layer's shape asks for

ACTIVATIONS: dict[str, dict[str, Any]] = {
    "ste": {"binarizer_impl": SteSign},
    "approx-sign": {"binarizer_impl": ApproxSign},
    "ede": {"binarizer_impl": EdeSign, "low": -2.0, "high": 1.0},
    "rbnn": {"binarizer_impl": RbnnSign, "low": -2.0, "high": 1.0, "activation": True},
    "recu": {"transform_impl": SampleScale, "binarizer_impl": ApproxSign},
    "tanh": {"binarizer_impl": TanhActivation},
}

WEIGHTS: dict[str, dict[str, Any]] = {
    "ste": {"binarizer_impl": SteSign},
    "approx-sign": {"binarizer_impl": ApproxSign},
    "ede": {"binarizer_impl": EdeSign, "low": -2.0, "high": 1.0},
    "rbnn": {"binarizer_impl": RbnnSign, "low": -2.0, "high": 1.0, "activation": False},
    "tanh": {"binarizer_impl": TanhAnneal, "beta_end": 1e3, "hard_at": 0.9, "rate": 0.0},
    "progressive": {"binarizer_impl": ProgressiveSign, "threshold": 1e-7, "hard_at": 0.4, "gamma": 0.0},
    "recu": {"transform_impl": RectifiedClamp, "binarizer_impl": SteSign, "clip": UNCLIPPED, "low": 0.85, "high": 0.99},
    "ir-net": {"transform_impl": Standardise, "binarizer_impl": EdeSign, "low": -2.0, "high": 1.0},
    "rbnn-rotated": {"transform_impl": Rotation, "binarizer_impl": RbnnSign, "low": -2.0, "high": 1.0, "activation": False},
    "real": {"tensor_quant": RealTensorQuant, "binarizer_impl": RealWeight},
}

LEARNED: dict[str, Any] = {"scaling_per_output_type": ScalingPerOutputType.CHANNEL, "detach_scale": False, "initial": 1.0}
SCALES: dict[str, dict[str, Any]] = {
    "none": {},
    "mean": {"scaling_impl": MeanScale, "scaling_per_output_type": ScalingPerOutputType.CHANNEL},
    "learned": LEARNED | {"scaling_impl": LearnedScale},
    "power-of-two": {"scaling_impl": PowerOfTwoScale, "scaling_per_output_type": ScalingPerOutputType.CHANNEL},
    "learned-power-of-two": LEARNED | {"scaling_impl": LearnedPowerOfTwoScale},
}


def binary_activation(name: str, **settings: Any) -> Any:
    """The injector of binary activations.

    Args:
        name: one of ``ACTIVATIONS``.
        settings: constants of the estimator, ``clip`` for ``ste`` for one.

    Raises:
        BadInputError: no such estimator.
    """
    return BinaryActivationQuant.let(**({"clip": 1.0} | _known(ACTIVATIONS, name, "activation") | settings))


def binary_weight(name: str, scale: str = "none", **settings: Any) -> Any:
    """The injector of binary weights.

    Args:
        name: one of ``WEIGHTS``.
        scale: one of ``SCALES``.
        settings: constants of the binariser, ``clip`` for ``ste`` or ``hard_at`` for ``progressive`` for two.

    Raises:
        BadInputError: no such binariser or scale.
    """
    return BinaryWeight.let(**(_known(SCALES, scale, "weight scale") | _known(WEIGHTS, name, "weight") | settings))


def weight_constants(name: str) -> tuple[str, ...]:
    """Names of the constants of a binariser of weights that a recipe may set."""
    return _constants({"clip": 1.0} if name == "ste" else _known(WEIGHTS, name, "weight"))


def activation_constants(name: str) -> tuple[str, ...]:
    """Names of the constants of an estimator of activations that a recipe may set, but for the clip of ``ste``."""
    return _constants(_known(ACTIVATIONS, name, "activation"))


def check_constants(weight: str, weight_settings: dict[str, float], activation: str, activation_settings: dict[str, float]) -> None:
    """Refuse values of constants that a binariser does not accept, before there is a layer to put it into.

    Raises:
        BadInputError: a name or value is not accepted.
    """
    for parts in (_known(WEIGHTS, weight, "weight") | weight_settings, _known(ACTIVATIONS, activation, "activation") | activation_settings):
        for part in (parts.get("transform_impl", Untransformed), parts["binarizer_impl"]):
            wanted = inspect.signature(part).parameters
            if MODULE not in wanted:
                part(**{name: parts[name] for name in wanted if name in parts})


def _constants(settings: dict[str, Any]) -> tuple[str, ...]:
    return tuple(key for key, value in settings.items() if isinstance(value, float) and value < UNCLIPPED)


def _known(table: dict[str, dict[str, Any]], name: str, what: str) -> dict[str, Any]:
    if name not in table:
        raise BadInputError(f"{what} quantiser {name!r} is not known; known are {', '.join(table)}")
    return table[name]
