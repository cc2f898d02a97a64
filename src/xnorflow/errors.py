"""The exceptions that reach a user, each with the exit code the command line gives it.

Exit codes: 0 fine, 1 a check failed (two links of the chain differ, for one), 2 bad input or a missing tool.
A message is one line: what was given, where, and what is accepted.
"""

from __future__ import annotations


class XnorflowError(Exception):
    """Base of every error that is the user's to mend; the command line prints it in one line."""

    exit_code = 2


class BadInputError(XnorflowError):
    """A file, option or array that cannot be used; the message names it and what is accepted."""


class UnsupportedModelError(BadInputError):
    """A model that cannot be lowered; the message names the node, what it is, and what would be accepted."""


class FoldingError(BadInputError):
    """A PE or SIMD that does not divide its matrix, or a target that no folding reaches."""


class MissingToolError(XnorflowError):
    """An external program that is not installed; the message says how to get it."""


class CheckFailedError(XnorflowError):
    """Two executions that must be equal are not; the message names the first difference."""

    exit_code = 1
