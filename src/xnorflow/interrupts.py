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


def end_at_once(number: int, frame: FrameType | None) -> None:
    """A handler of Ctrl-C where nothing is to be put in order: the line and the exit code."""
    if os.environ.get("LOCAL_RANK", "0") == "0":  # of several processes on one machine the first speaks for all
        with suppress(OSError):
            os.write(2, f"{WORDS}\n".encode())
    os._exit(EXIT_CODE)


def interrupt_at_once() -> None:
    """Have Ctrl-C end the program at once, outside of commands too, unless somebody else looks after it or nobody shall."""
    if _untouched():
        signal.signal(signal.SIGINT, end_at_once)


@contextmanager
def interruptible() -> Iterator[None]:
    """Whatever an interrupted body ends with is a ``KeyboardInterrupt``, and a second Ctrl-C does not disturb that end.

    A library that is interrupted while it loads may turn the interrupt into an error of its own, or lose it; there the program
    ends at once, which is safe since every file is replaced in one step.
    """
    if not _untouched():
        yield
        return
    before = signal.getsignal(signal.SIGINT)
    caught = False

    def interrupt(number: int, frame: FrameType | None) -> None:
        nonlocal caught
        caught = True
        if _importing(frame):
            end_at_once(number, frame)
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


def _untouched() -> bool:
    """Whether Ctrl-C is handled as Python or :func:`interrupt_at_once` left it; a job in the background is deaf to it."""
    if threading.current_thread() is not threading.main_thread():
        return False
    return signal.getsignal(signal.SIGINT) in (signal.default_int_handler, end_at_once)


def _importing(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename == IMPORT:
            return True
        frame = frame.f_back
    return False
