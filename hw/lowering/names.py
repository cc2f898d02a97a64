"""Safe names: what a model file calls its nodes and tensors never reaches a netlist or a path unchanged."""

from __future__ import annotations

import re

MAX_LENGTH = 40


class Names:
    """Hands out unique names that match ``[A-Za-z][A-Za-z0-9_]*``, at most 48 characters long."""

    def __init__(self) -> None:
        self._used: set[str] = set()

    def take(self, wanted: str, default: str) -> str:
        """A free name close to the wanted one.

        Args:
            wanted: any text.
            default: a safe word that begins the name where the text begins with no letter.
        """
        safe = re.sub(r"[^A-Za-z0-9]+", "_", wanted).strip("_")[:MAX_LENGTH].strip("_")
        if not re.match(r"[A-Za-z]", safe):
            safe = f"{default}_{safe}".strip("_")[:MAX_LENGTH].strip("_")
        name, count = safe, 1
        while name.lower() in self._used:
            count += 1
            name = f"{safe}_{count}"
        self._used.add(name.lower())
        return name
