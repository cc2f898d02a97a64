"""Which instruction set the kernels use: the fastest of this CPU, or the one that is asked for."""

from __future__ import annotations

import os

from xnorflow import _kernels
from xnorflow.errors import BadInputError

VARIABLE = "XNORFLOW_ISA"


def available() -> tuple[str, ...]:
    """Names of the kernel tables that this CPU can run, fastest first; the last is ``reference``."""
    return tuple(_kernels.available())


def resolve(name: str | None = None) -> str:
    """The kernel table to use.

    Args:
        name: one of :func:`available`, ``auto`` for the fastest, or None to ask the environment variable
            ``XNORFLOW_ISA`` (``auto`` where that is unset or empty).

    Raises:
        BadInputError: the name is unknown, or this CPU lacks the instructions.
    """
    if name is not None:
        return _kernels.resolve(name)
    try:
        return _kernels.resolve(os.environ.get(VARIABLE) or "auto")
    except BadInputError as error:
        raise BadInputError(f"environment variable {VARIABLE}: {error}") from error
