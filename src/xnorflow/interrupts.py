"""Ctrl-C at any moment of a command ends it in one line."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

EXIT_CODE = 130
WORDS = "xnorflow: interrupted"
IMPORT = "<frozen importlib._bootstrap>"


@contextmanager
def interruptible() -> Iterator[None]:
    """Whatever an interrupted body ends with is a ``KeyboardInterrupt``.

    A library that is interrupted while it loads may turn the interrupt into an error of its own, or lose it; there the program
    ends at once, which is safe since every file is replaced in one step.
    """
    before = signal.getsignal(signal.SIGINT)
    if before is not signal.default_int_handler or threading.current_thread() is not threading.main_thread():
        yield  # somebody else looks after interrupts, or nobody shall: a job in the background
        return
    caught = False

    def interrupt(number: int, frame: FrameType | None) -> None:
        nonlocal caught
        caught = True
        if _importing(frame):
            with suppress(OSError):
                os.write(2, f"{WORDS}\n".encode())
            os._exit(EXIT_CODE)
        raise KeyboardInterrupt

    signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    except BaseException as error:
        if caught and not isinstance(error, KeyboardInterrupt):
            raise KeyboardInterrupt from error
        raise
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN if caught else before)


def _importing(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename == IMPORT:
            return True
        frame = frame.f_back
    return False
