"""What every test process starts from."""

from __future__ import annotations

import os
import signal

# One thread a process, before torch starts its own: the threads of processes that share few cores wait for each other in busy loops, and
# a hundred steps of a small network took 68 s of CPU time where one thread takes 2. Commands that tests start inherit it.
os.environ.setdefault("OMP_NUM_THREADS", "1")


def pytest_configure() -> None:
    """Hear SIGINT: a shell's background jobs, and what they start, ignore it, and tests of Ctrl-C would wait for nothing."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
