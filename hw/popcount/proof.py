"""Proof that a tree of counters counts, at any width, in a fraction of a second.

Each counter keeps the weighted sum of its bits, which SAT proves of the counters themselves. So the weighted sum of the
result's bits is carried back through the netlist that Yosys elaborated: the outputs of a counter stand in it with weights
in the ratio of its outputs, and are replaced by its inputs with theirs; an adder likewise. What is left must be each input
bit (or each product of an input bit and its weight) exactly once. All modulo 2**(bits of the result), which no count
reaches. No net may have two drivers. A swapped, missing or doubled connection leaves another sum, or a counter whose
outputs do not stand in its ratio.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from xnorflow.hw.popcount.counters import ADDER, COUNTERS, LEAF

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Bit = int | str  # Yosys' number of a net, or a constant
Terms = list[tuple[Any, int]]
_ROWS = ("a_i", "b_i", "c_i")
_COUNTERS = {counter.module for counter in COUNTERS}


def stubs(row_bits: int, sum_bits: int) -> str:
    """The counters, and the adder of rows of those widths, as black boxes, so that Yosys keeps them as instances."""
    products = "input wire logic [1:0] data_i, input wire logic [1:0] weight_i, input wire logic bit_i, output logic [1:0] count_o"
    rows = ", ".join(f"input wire logic [{row_bits - 1}:0] {name}" for name in _ROWS) + f", output logic [{sum_bits - 1}:0] sum_o"
    ports = {c.module: f"input wire logic [{c.inputs - 1}:0] data_i, output logic [{c.outputs - 1}:0] count_o" for c in COUNTERS}
    ports |= {LEAF: products, ADDER: rows}
    parameters = {ADDER: "#(parameter integer Width = 1, parameter integer SumBits = 1) "}
    return "".join(f"(* blackbox *) module {name} {parameters.get(name, '')}({ports[name]}); endmodule\n" for name in ports)


def prove_tree(module: Mapping[str, Any]) -> bool:
    """Whether a module of Yosys' JSON netlist counts the ones of ``data_i`` (of ``data_i ~^ weight_i`` where it has that port).

    Raises:
        ValueError: the netlist holds a cell that is neither a counter nor an adder.
    """
    ports = {name: port["bits"] for name, port in module["ports"].items()}
    modulus = 1 << len(ports["count_o"])
    terms: dict[Any, int] = {}
    for k, bit in enumerate(ports["count_o"]):
        terms[bit] = terms.get(bit, 0) + (1 << k)
    products = {pair: ("product", i) for i, pair in enumerate(zip(ports["data_i"], ports.get("weight_i", ()), strict=False))}
    waiting = [_sums(cell, products) for cell in module["cells"].values()]
    driven = [bit for _, outputs, _ in waiting for bit in outputs]
    if len(set(driven)) != len(driven):
        return False
    while waiting:
        kept = [cell for cell in waiting if not _replace(terms, *cell, modulus)]
        if len(kept) == len(waiting):
            return False
        waiting = kept
    wanted = list(products.values()) if products else ports["data_i"]
    return {bit: weight for bit, weight in terms.items() if weight} == dict.fromkeys(wanted, 1)


def _sums(cell: Mapping[str, Any], products: Mapping[tuple[Bit, Bit], Any]) -> tuple[Terms, list[Bit], bool]:
    """Inputs with their weights, outputs, and whether a carry out of the outputs is lost."""
    nets, kind = cell["connections"], cell["type"]
    if kind == "$add":
        return [term for port in ("A", "B") for term in _weighted(nets[port])], nets["Y"], True
    if kind == ADDER:
        return [term for port in _ROWS for term in _weighted(nets[port])], nets["sum_o"], True
    if kind == LEAF:
        pairs = [products.get(pair, pair) for pair in zip(nets["data_i"], nets["weight_i"], strict=True) if pair != ("0", "1")]
        return [(term, 1) for term in (*pairs, *nets["bit_i"]) if term != "0"], nets["count_o"], False
    if kind not in _COUNTERS:
        raise ValueError(f"cell {kind} is neither a counter nor an adder")
    return [(bit, 1) for bit in nets["data_i"] if bit != "0"], nets["count_o"], False


def _weighted(bits: list[Bit]) -> Iterator[tuple[Bit, int]]:
    return ((bit, 1 << k) for k, bit in enumerate(bits) if bit != "0")


def _replace(terms: dict[Any, int], inputs: Terms, outputs: list[Bit], loses_carry: bool, modulus: int) -> bool:
    """Put the inputs of a cell in the place of its outputs; False where these do not stand in the cell's ratio (yet)."""
    base = terms.get(outputs[0], 0)
    in_ratio = all((terms.get(bit, 0) - (base << k)) % modulus == 0 for k, bit in enumerate(outputs))
    if base == 0 or not in_ratio or (loses_carry and (base << len(outputs)) % modulus):
        return False
    for bit in outputs:
        terms.pop(bit, None)
    for term, weight in inputs:
        terms[term] = (terms.get(term, 0) + base * weight) % modulus
    return True
