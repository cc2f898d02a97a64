"""Writes a QONNX network node by node while its choices are drawn."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from xnorflow.hw.lowering.executor import QONNX_DOMAIN
from xnorflow.hw.lowering.pipeline import NORM_KEY
from xnorflow.pixels import PixelNorm

if TYPE_CHECKING:
    from xnorflow.hw.chain import AnyArray


@dataclass(eq=False)
class Writer:
    """A network while it is drawn; ``tensor`` is the newest tensor, ``shape`` its shape without batch.

    Attributes:
        rng: the source of every choice.
        exact: whether scales are powers of two.
        levels: greatest magnitude of the newest quantised tensor's codes.
        bipolar: whether the newest quantised tensor is -1 and +1, with scale 1.
        weight_bits: of the newest weights.
    """

    rng: np.random.Generator
    exact: bool
    tensor: str = "image"
    shape: tuple[int, ...] = ()
    input_shape: tuple[int, ...] = ()
    opset: int = 13
    norm: PixelNorm = field(default_factory=PixelNorm)
    levels: int = 255
    bipolar: bool = False
    weight_bits: int = 1
    nodes: list[Any] = field(default_factory=list)
    constants: list[Any] = field(default_factory=list)

    def chance(self, probability: float) -> bool:
        """Whether something of this probability happens."""
        return bool(self.rng.random() < probability)

    def pick(self, *options: Any) -> Any:
        """One of the options."""
        return options[int(self.rng.integers(len(options)))]

    def const(self, values: Any, dtype: Any = np.float32) -> str:
        """A constant tensor; returns its name."""
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(values, dtype=dtype), name))
        return name

    def add(self, op: str, *inputs: str, source: str | None = None, **attributes: Any) -> str:
        """Append a node that reads the newest tensor (or ``source``) and then ``inputs``; returns its output."""
        out = f"t{len(self.nodes)}"
        domain = QONNX_DOMAIN if op in ("Quant", "BipolarQuant") else ""
        reads = [self.tensor if source is None else source, *inputs]
        self.nodes.append(helper.make_node(op, reads, [out], name=f"{op}_{len(self.nodes)}", domain=domain, **attributes))
        return out

    def scale(self, count: int, axes: int) -> AnyArray:
        """A positive scale: one for all, or one for each of ``count`` rows of a tensor with ``axes`` axes."""
        shape = (count, *(1,) * (axes - 1)) if self.chance(0.3) else ()
        if self.exact:
            return np.asarray(2.0 ** self.rng.integers(-3, 3, shape), dtype=np.float32)
        return np.asarray(self.rng.uniform(0.05, 2.0, shape), dtype=np.float32)

    def model(self) -> Any:
        """The network so far as a model."""
        values = helper.make_tensor_value_info
        inputs = [values("image", onnx.TensorProto.FLOAT, [1, *self.input_shape])]
        outputs = [values(self.tensor, onnx.TensorProto.FLOAT, [1, *self.shape])]
        graph = helper.make_graph(self.nodes, "random", inputs, outputs, self.constants)
        opsets = [helper.make_opsetid("", self.opset), helper.make_opsetid(QONNX_DOMAIN, 1)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
        helper.set_model_props(model, {NORM_KEY: self.norm.to_json()})
        return model
