"""The list of passes, its page, and what single passes leave alone."""

import re
from pathlib import Path

from xnorflow.hw.chain import FloatChain, FloatStep, StepKind
from xnorflow.hw.graph import Graph, StreamType
from xnorflow.hw.lowering import PASSES
from xnorflow.hw.lowering.float_nodes import Pointwise, Pool, Quantise
from xnorflow.hw.lowering.hoist_quantisers import hoist_quantisers
from xnorflow.hw.types import BIPOLAR, IntType

PAGE = Path(__file__).parents[3] / "docs" / "add-a-pass.md"
PIXELS = {"pixels": StreamType((4, 4, 2), IntType(8, signed=False))}


def test_the_page_lists_the_passes_in_their_order():
    assert re.findall(r"^\| (\w+) \|", PAGE.read_text(), re.MULTILINE)[1:] == [step.name for step in PASSES]


def chain_of(kind, *operands):
    return FloatChain((FloatStep.of(kind, *operands),))


def pool_then_sign(before, after):
    nodes = (
        Pointwise(name="bn", inputs=("pixels",), outputs=("a",), chain=before),
        Pool(name="pool", inputs=("a",), outputs=("b",), kernel=(2, 2), stride=(2, 2)),
        Quantise(name="sign", inputs=("b",), outputs=("c",), chain=after, out_type=BIPOLAR),
    )
    return Graph(PIXELS, nodes, ("c",))


def test_a_sign_moves_in_front_of_a_pool_whatever_the_gammas_before_it():
    after = hoist_quantisers(pool_then_sign(chain_of(StepKind.MUL, [-1.0, 2.0]), chain_of(StepKind.SIGN)))
    assert [n.op for n in after.nodes] == ["Quantise", "Pool"]
    assert [s.kind for s in after.nodes[0].chain.steps] == [StepKind.MUL, StepKind.SIGN]


def test_a_decreasing_quantiser_stays_behind_its_pool():
    negative = chain_of(StepKind.MUL, [-1.0, 2.0]).then(chain_of(StepKind.SIGN))
    after = hoist_quantisers(pool_then_sign(chain_of(StepKind.ADD, 1.0), negative))
    assert [n.op for n in after.nodes] == ["Pointwise", "Pool", "Quantise"]
