"""Elaborates a generated netlist with pyslang: every port connected at its own width, or xnorflow has a fault."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyslang

from xnorflow.errors import CheckFailedError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_MISMATCHES = (
    "PortWidthExpand",
    "PortWidthTruncate",
    "UnconnectedInputPort",
    "UnconnectedOutputPort",
    "EmptyInputPortConn",
    "EmptyOutputPortConn",
    "PortDoesNotExist",
)


def check_netlist(netlist: Path, cells: Sequence[Path], top: str) -> None:
    """Elaborate ``top`` with its cells.

    Raises:
        CheckFailedError: an error of elaboration, or a port whose connection is missing or has another width.
    """
    options = pyslang.ast.CompilationOptions()
    options.topModules = {top}
    compilation = pyslang.ast.Compilation(pyslang.Bag([options]))
    manager = pyslang.SourceManager()
    for path in (netlist, *cells):
        compilation.addSyntaxTree(pyslang.syntax.SyntaxTree.fromFile(str(path), manager))
    refused = [getattr(pyslang.Diags, name) for name in _MISMATCHES]
    engine = pyslang.DiagnosticEngine(manager)
    for diagnostic in compilation.getAllDiagnostics():
        if diagnostic.isError() or diagnostic.code in refused:
            where = f"{manager.getFileName(diagnostic.location)}:{manager.getLineNumber(diagnostic.location)}"
            raise CheckFailedError(f"generated netlist {where}: {engine.formatMessage(diagnostic)}")
