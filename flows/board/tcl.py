"""Values as Tcl text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xnorflow.errors import BadInputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_ESCAPES = {**{c: "\\" + c for c in '\\"$[]{}'}, "\n": "\\n", "\t": "\\t", "\r": "\\r"}
_MOST = 0xFFFF  # of the characters that Tcl 8 can write


def quoted(text: str) -> str:
    """A Tcl word that is this text.

    Control characters and everything outside ASCII become escapes, because Vivado reads scripts in the encoding of the machine.

    Raises:
        BadInputError: the text holds a character that Tcl cannot write, NUL among them.
    """
    bad = [c for c in text if c == "\0" or ord(c) > _MOST or 0xD800 <= ord(c) < 0xE000]
    if bad:
        raise BadInputError(f"name {text!r} holds the character U+{ord(bad[0]):04X}, which no Tcl script can hold")
    return '"' + "".join(_ESCAPES.get(c) or (c if " " <= c <= "~" else f"\\u{ord(c):04x}") for c in text) + '"'


def listed(items: Iterable[str]) -> str:
    """A Tcl command that gives the list of these texts."""
    return f"[{' '.join(['list', *map(quoted, items)])}]"


def settings(values: Mapping[str, str | Iterable[str]]) -> str:
    """A script that sets one variable after another, to a text or to a list of texts."""
    return "".join(f"set {name} {quoted(value) if isinstance(value, str) else listed(value)}\n" for name, value in values.items())
