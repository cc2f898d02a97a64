"""Weight rules by name, so that a recipe can choose one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from xnorflow.qat.optim.after_step import WeightRule
from xnorflow.qat.optim.bnew import Bnew
from xnorflow.qat.optim.latent_clip import LatentClip
from xnorflow.qat.optim.prox_quant import ProxQuant
from xnorflow.qat.optim.strength import Strength
from xnorflow.qat.registry import Registry


class RuleSettings(Protocol):
    """Arguments of a rule."""

    def make(self) -> WeightRule:
        """A fresh rule."""


RULES: Registry[RuleSettings] = Registry("weight rule")


@RULES.register("latent-clip")
@dataclass(frozen=True)
class LatentClipSettings:
    """Latent weights within plus and minus ``limit``."""

    limit: float = 1.0

    def make(self) -> WeightRule:
        return LatentClip(self.limit)


@RULES.register("bnew")
@dataclass(frozen=True)
class BnewSettings:
    """BNEW's regulariser and projection; see :class:`~xnorflow.qat.optim.strength.Strength` for the conventions."""

    rate: float = 0.01
    coupling: str = "eta"
    ramp: str = "epoch"
    exact: bool = False

    def make(self) -> WeightRule:
        return Bnew(Strength(self.rate, self.coupling, self.ramp), self.exact)


@RULES.register("proxquant")
@dataclass(frozen=True)
class ProxQuantSettings:
    """ProxQuant's proximal operator."""

    rate: float
    norm: str = "l1"
    coupling: str = "eta"
    ramp: str = "epoch"

    def make(self) -> WeightRule:
        return ProxQuant(Strength(self.rate, self.coupling, self.ramp), self.norm)


def weight_rule(name: str, arguments: Mapping[str, Any], where: str = "rule") -> WeightRule:
    """The rule that ``name`` and its arguments describe.

    Raises:
        BadInputError: the name or an argument is not known or not accepted.
    """
    return RULES.build(name, arguments, where).make()
