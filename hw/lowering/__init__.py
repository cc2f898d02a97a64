"""Lowering: a QONNX file to a dataflow graph, checked against the QONNX execution after every pass."""

from __future__ import annotations

from xnorflow.hw.lowering.link import QonnxLink
from xnorflow.hw.lowering.passes import PASSES
from xnorflow.hw.lowering.pipeline import Lowered, lower
from xnorflow.hw.lowering.reference import qonnx_execute

__all__ = ["PASSES", "Lowered", "QonnxLink", "lower", "qonnx_execute"]
