"""What the networks are: architectures, registry, cost accounting."""

from xnorflow.models.build import build, build_config
from xnorflow.models.config import ModelConfig
from xnorflow.models.cost import Cost, LayerCost, cost
from xnorflow.models.registry import Architecture, architectures, lookup

__all__ = ["Architecture", "Cost", "LayerCost", "ModelConfig", "architectures", "build", "build_config", "cost", "lookup"]
