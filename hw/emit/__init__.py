"""The emitter: a folded graph as a netlist of library cells, with their sources and memory images."""

from __future__ import annotations

from xnorflow.hw.emit.folder import emit

__all__ = ["emit"]
