"""Popcounts as trees of counters, for xc7 and for standard cells: their structure, their text, and the proof that they count."""

from __future__ import annotations

from xnorflow.hw.popcount.adders import adder_tree
from xnorflow.hw.popcount.proof import prove_tree
from xnorflow.hw.popcount.text import adders_text, tree_module, trees_text
from xnorflow.hw.popcount.tree import Tree, popcount_tree, xnor_tree

__all__ = ["Tree", "adder_tree", "adders_text", "popcount_tree", "prove_tree", "tree_module", "trees_text", "xnor_tree"]
