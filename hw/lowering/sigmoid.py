"""Where a sigmoid in a chain of floats decides an integer code, and whether every runtime decides alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from xnorflow.errors import UnsupportedModelError
from xnorflow.hw.chain import FloatChain, StepKind

if TYPE_CHECKING:
    from xnorflow.hw.lowering.float_nodes import Quantise
    from xnorflow.hw.types import IntArray

# What the float32 sigmoids of two runtimes differ by at most, four units in the last place of 1 and a half. Measured: ONNX Runtime and
# float64 differ by one.
SIGMOID_SLACK = 2.0**-21


def bends(chain: FloatChain) -> bool:
    """Whether a chain has a sigmoid."""
    return any(step.kind is StepKind.SIGMOID for step in chain.steps)


def check_sigmoid(node: Quantise, values: IntArray) -> None:
    """Check that a sigmoid which differs in its last bits would make the same codes.

    Args:
        node: a quantiser whose chain may have sigmoids.
        values: every input, ``(n, C)``.

    Raises:
        UnsupportedModelError: a code would change; names the node.
    """
    for index, step in enumerate(node.chain.steps):
        if step.kind is not StepKind.SIGMOID:
            continue
        exact = FloatChain(node.chain.steps[: index + 1]).apply(values)
        after = FloatChain(node.chain.steps[index + 1 :])
        less, more = (after.apply(exact + np.float32(slack)) for slack in (-SIGMOID_SLACK, SIGMOID_SLACK))
        if np.any(less != more):
            text = "its sigmoid comes so near to where the quantiser jumps that runtimes may differ"
            raise UnsupportedModelError(
                f"node {node.name}: {text}; an offset in front of the quantiser that keeps clear (integerise finds one) is accepted"
            )
