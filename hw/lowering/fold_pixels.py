"""Pass fold_pixels: what the network does to a pixel before its first layer goes into that layer where it is affine."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from xnorflow.hw.chain import FloatChain, FloatStep, StepKind
from xnorflow.hw.lowering.affine import fit_affine
from xnorflow.hw.lowering.float_nodes import Pointwise, Quantise

if TYPE_CHECKING:
    from xnorflow.hw.graph import Graph, Node


def fold_pixels(graph: Graph) -> Graph:
    """Replace the node that reads the pixels by an affine one, where all 256 pixels agree.

    A quantiser with ``code = pixel - zero`` becomes that subtraction (exact, and later folded into accumulators). A
    normalisation without quantiser becomes ``step * (pixel - zero)``, or ``step * pixel + shift``. Others stay.
    """
    return graph.with_nodes(_folded(graph, n) if n.inputs[0] in graph.inputs else n for n in graph.nodes)


def _folded(graph: Graph, node: Node) -> Node:
    channels = graph.streams[node.inputs[0]].channels
    if isinstance(node, Quantise):
        pixels = np.arange(256, dtype=np.int64)[:, None]
        codes = node.codes(np.broadcast_to(pixels, (256, channels)))
        if np.all(codes - codes[0] == pixels):
            return replace(node, chain=FloatChain((_offset(-codes[0]),)))
    if isinstance(node, Pointwise):
        fit = fit_affine(node.chain, channels)
        if fit is not None and fit.zero is not None:
            return replace(node, chain=FloatChain((_offset(fit.zero), FloatStep.of(StepKind.MUL, fit.step))))
        if fit is not None:
            return replace(node, chain=FloatChain((FloatStep.of(StepKind.MUL, fit.step), FloatStep.of(StepKind.ADD, fit.shift))))
    return node


def _offset(zero: np.ndarray[tuple[int, ...], np.dtype[np.int64]]) -> FloatStep:
    return FloatStep.of(StepKind.OFFSET, zero[:1] if np.all(zero == zero[0]) else zero)
