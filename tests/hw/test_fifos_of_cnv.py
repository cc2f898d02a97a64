"""FINN's CNV at the folding for one image in 32,768 cycles: its FIFOs against FIFOs of 2,048 beats everywhere."""

from __future__ import annotations

import onnx
import torch

from xnorflow.hw.fifo_sizing import graph_schedule, insert_fifos, with_fifos
from xnorflow.hw.folding import FoldingRequest, fold
from xnorflow.hw.folding.hardware import hardware_nodes
from xnorflow.hw.graph import Graph
from xnorflow.hw.lowering import lower
from xnorflow.hw.nodes import Fifo
from xnorflow.models import ModelConfig, build_config
from xnorflow.pixels import PixelNorm
from xnorflow.qat.export import qonnx_bytes
from xnorflow.qat.freeze import freeze
from xnorflow.qat.layers import QuantScheme
from xnorflow.qat.quantise import quantise

CYCLES = 32_768
DEEP = 2048


def cnv() -> Graph:
    torch.manual_seed(0)
    network = quantise(build_config(ModelConfig("cnv", input_shape=(3, 32, 32), num_classes=10, padding_value=-1)), QuantScheme()).eval()
    norm = PixelNorm(mean=(128 / 255,) * 3, std=(128 / 255,) * 3)
    model = onnx.load_model_from_string(qonnx_bytes(freeze(network), norm, (3, 32, 32)))
    return fold(lower(model, probes=1).graph, FoldingRequest(fps=1e8 / CYCLES))


def fifo_bits(graph: Graph) -> int:
    return sum(node.depth * node.lanes * graph.types_of(node)[0].dtype.bits for node in graph.nodes if isinstance(node, Fifo))


def test_cnv_keeps_its_interval_with_less_than_a_quarter_of_the_bits_of_deep_fifos() -> None:
    folded = cnv()
    sized, schedule = insert_fifos(folded)
    deep = with_fifos(folded, {stream: DEEP for node in hardware_nodes(folded)[:-1] for stream in node.outputs})
    assert schedule.interval == graph_schedule(deep).interval == CYCLES
    assert fifo_bits(deep) > 1_000_000
    assert fifo_bits(sized) <= fifo_bits(deep) / 4
