"""The nodes of the dataflow graph, one file each; :data:`NODES` maps the ``op`` name to the class."""

from __future__ import annotations

from xnorflow.hw.nodes.add import Add
from xnorflow.hw.nodes.affine import Affine
from xnorflow.hw.nodes.argmax import ArgMax
from xnorflow.hw.nodes.channel_gate import ChannelGate
from xnorflow.hw.nodes.concat import Concat
from xnorflow.hw.nodes.fifo import Fifo
from xnorflow.hw.nodes.flatten import Flatten
from xnorflow.hw.nodes.fork import Fork
from xnorflow.hw.nodes.global_sum import GlobalSum
from xnorflow.hw.nodes.int_mat_vec import IntMatVec
from xnorflow.hw.nodes.max_pool import MaxPool
from xnorflow.hw.nodes.multiply import Multiply
from xnorflow.hw.nodes.pad import Pad
from xnorflow.hw.nodes.sliding_window import SlidingWindow
from xnorflow.hw.nodes.sum_pool import SumPool
from xnorflow.hw.nodes.table import Table
from xnorflow.hw.nodes.threshold import Threshold
from xnorflow.hw.nodes.width_converter import WidthConverter
from xnorflow.hw.nodes.xnor_mat_vec import XnorMatVec

_CLASSES = (
    Add,
    Affine,
    ArgMax,
    ChannelGate,
    Concat,
    Fifo,
    Flatten,
    Fork,
    GlobalSum,
    IntMatVec,
    MaxPool,
    Multiply,
    Pad,
    SlidingWindow,
    SumPool,
    Table,
    Threshold,
    WidthConverter,
    XnorMatVec,
)
NODES = {cls.op: cls for cls in _CLASSES}

__all__ = [
    "NODES",
    "Add",
    "Affine",
    "ArgMax",
    "ChannelGate",
    "Concat",
    "Fifo",
    "Flatten",
    "Fork",
    "GlobalSum",
    "IntMatVec",
    "MaxPool",
    "Multiply",
    "Pad",
    "SlidingWindow",
    "SumPool",
    "Table",
    "Threshold",
    "WidthConverter",
    "XnorMatVec",
]
