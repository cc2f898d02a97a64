"""What every test process starts from."""

from __future__ import annotations

import signal


def pytest_configure() -> None:
    """Hear SIGINT: a shell's background jobs, and what they start, ignore it, and tests of Ctrl-C would wait for nothing."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
