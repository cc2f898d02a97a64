"""A netlist of library cells, as Yosys' JSON: what cells it has, and how many lie on its longest path."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from xnorflow.hw.synth.library import CellLibrary


def cells_of(text: str, top: str) -> list[Mapping[str, Any]]:
    """The cells of the module ``top``; names of scopes are none."""
    module = json.loads(text)["modules"][top]
    return [cell for cell in module["cells"].values() if cell["type"] != "$scopeinfo"]


def counts_of(cells: list[Mapping[str, Any]]) -> dict[str, int]:
    """How many of each type, by name."""
    return dict(sorted(Counter(cell["type"] for cell in cells).items()))


def depth_of(cells: list[Mapping[str, Any]], library: CellLibrary) -> int:
    """Most combinational cells on a path between ports and flip-flops.

    Raises:
        ValueError: the cells form a loop.
    """
    gates = [cell for cell in cells if not library.cells[cell["type"]].storage]
    drivers = {net: number for number, gate in enumerate(gates) for net in _nets(gate, library.cells[gate["type"]].outputs)}
    feeding = [{drivers[net] for net in _nets(gate, library.cells[gate["type"]].inputs) if net in drivers} for gate in gates]
    readers: list[list[int]] = [[] for _ in gates]
    for number, before in enumerate(feeding):
        for driver in before:
            readers[driver].append(number)
    missing, depths = [len(before) for before in feeding], [1] * len(gates)
    ready = [number for number, count in enumerate(missing) if not count]
    done = 0
    while ready:
        number = ready.pop()
        done += 1
        for reader in readers[number]:
            depths[reader] = max(depths[reader], depths[number] + 1)
            missing[reader] -= 1
            if not missing[reader]:
                ready.append(reader)
    if done != len(gates):
        raise ValueError("the cells form a loop")
    return max(depths, default=0)


def _nets(cell: Mapping[str, Any], ports: tuple[str, ...]) -> Iterator[Any]:
    return (net for port in ports for net in cell["connections"].get(port, ()))
