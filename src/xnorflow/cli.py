"""The command line: each command is thin over the library call of the same name in ``xnorflow.flows``.

Words go to stderr, figures to stdout with ``--json``. Exit codes: 0 fine, 1 a check failed, 2 bad input or missing tool,
130 interrupted.
"""

from __future__ import annotations

import sys

# isort: off
from xnorflow.commands import about, training, pictures, hardware, finn

# isort: on
from xnorflow.commands.console import app, os_error, say
from xnorflow.interrupts import interrupt_at_once

# Importing a module registers its commands, which the help lists in that order.
MODULES = (about, training, pictures, hardware, finn)


def main() -> None:
    """Entry point of the ``xnorflow`` program."""
    interrupt_at_once()
    try:
        app()
    except OSError as error:  # of --help and --version; each command has its own
        say(os_error(error))
        sys.exit(2)


if __name__ == "__main__":
    main()
