"""Where latent weights start."""

from __future__ import annotations

import math
from collections.abc import Callable

from torch import Tensor, nn

SMALL = 1e-3


def _uniform(weight: Tensor) -> None:
    nn.init.uniform_(weight, -1.0, 1.0)


def _normal(weight: Tensor) -> None:
    nn.init.normal_(weight, std=SMALL)


def _positive(weight: Tensor) -> None:
    nn.init.uniform_(weight, 0.0, SMALL)


def _fan_in(weight: Tensor) -> None:
    nn.init.kaiming_uniform_(weight, a=math.sqrt(5))


def _kaiming_normal(weight: Tensor) -> None:
    nn.init.kaiming_normal_(weight)


# ``uniform``: [-1, 1]. ``normal``: N(0, 1e-3**2), BNext. ``positive``: [0, 1e-3), all signs +1, the public code of ReActNet.
# ``fan-in``: torch's own of a convolution, which the public codes of Bi-Real, IR-Net and RBNN leave as it is.
# ``kaiming-normal``: N(0, 2 / fan-in) (He et al. 2015), that of real-valued ResNets, so of what BD-BNN and Real-to-Binary start from.
STARTS: dict[str, Callable[[Tensor], None]] = {
    "uniform": _uniform,
    "normal": _normal,
    "positive": _positive,
    "fan-in": _fan_in,
    "kaiming-normal": _kaiming_normal,
}
