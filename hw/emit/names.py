"""Identifiers of the generated netlist.

Nets of a node begin with ``n_``, instances of nodes with ``u_``, and what belongs to the ports with ``x_``, so that no
two can meet and none is a keyword, whatever a node is called.
"""

from __future__ import annotations

import re

from xnorflow.errors import BadInputError

_SAFE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LONGEST = 120


def checked(name: str, what: str) -> str:
    """The name itself.

    Raises:
        BadInputError: it holds anything but letters, digits and underscores, begins with a digit, or is too long.
    """
    if not _SAFE.fullmatch(name) or len(name) > _LONGEST:
        raise BadInputError(f"{what} name {name[:_LONGEST]!r} is not an identifier of at most {_LONGEST} letters, digits and underscores")
    return name


def memory_file(top: str, node: str, parameter: str) -> str:
    """Path of a memory image, relative to the build folder."""
    return f"mem/{checked(top, 'top module')}_{checked(node, 'node')}_{checked(parameter, 'parameter').lower()}.mem"
