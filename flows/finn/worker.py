"""FINN's builder in a process of its own: ``python -m xnorflow.flows.finn.worker OUT`` with the settings in ``OUT/finn.json``.

FINN replaces stdout and the loggers, and sets variables of the environment; here that hurts nobody. What happens is told on
stdout, one JSON object a line; FINN's own words go to ``OUT/finn.log``.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from pathlib import Path
from typing import Any

from xnorflow.errors import XnorflowError
from xnorflow.flows.finn import shim
from xnorflow.flows.finn.settings import LOG, SCRATCH


def main(out: Path) -> None:
    """Run the builder and tell how it went."""
    channel = os.fdopen(os.dup(1), "w")
    log = os.open(out / LOG, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(log, 1)
    os.dup2(log, 2)

    def tell(**event: Any) -> None:
        print(json.dumps(event), file=channel, flush=True)

    try:
        shim.install(out / SCRATCH)
        from xnorflow.flows.finn.builder import run_builder

        run_builder(out, tell)
    except XnorflowError as error:
        tell(error=type(error).__name__, message=str(error))
    except BaseException as error:  # FINN's own, whatever it is, or Ctrl-C: told with its kind, and the log has the rest
        traceback.print_exc()
        tell(error="FINN", message=f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
