"""Popcounts for xc7 as trees of counters: their structure, their text, and the proof that they count."""

from __future__ import annotations

from xnorflow.hw.popcount.proof import prove_tree
from xnorflow.hw.popcount.text import tree_module, trees_text
from xnorflow.hw.popcount.tree import Tree, popcount_tree, xnor_tree

__all__ = ["Tree", "popcount_tree", "prove_tree", "tree_module", "trees_text", "xnor_tree"]
