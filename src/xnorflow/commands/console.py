"""What every command shares: the program, words on stderr, figures on stdout, and errors in one line."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ParamSpec

import typer

from xnorflow import __version__
from xnorflow.errors import BadInputError, XnorflowError
from xnorflow.interrupts import EXIT_CODE, WORDS, interruptible

if TYPE_CHECKING:
    from collections.abc import Callable

_P = ParamSpec("_P")

app = typer.Typer(
    name="xnorflow",
    help="Binary neural networks from training to hardware that is proven to compute the same bits.",
    epilog="Exit codes: 0 fine, 1 a check failed, 2 bad input or a missing tool, 130 interrupted.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Json = Annotated[bool, typer.Option("--json", help="Print the figures as JSON on stdout.")]
BuildFolder = Annotated[Path, typer.Argument(metavar="BUILD", help="A folder that `xnorflow compile` wrote.")]


def say(text: str) -> None:
    """One line of words to stderr; lost where stderr is closed or full, which must not stop the work.

    Of several processes of a training on one machine the first speaks for all.
    """
    if sys.stderr is not None and os.environ.get("LOCAL_RANK", "0") == "0":
        with contextlib.suppress(OSError):
            print(text, file=sys.stderr, flush=True)


def on_terminal() -> bool:
    """Whether somebody watches stderr."""
    return sys.stderr is not None and sys.stderr.isatty()


def show(figures: dict[str, Any], as_json: bool, text: str) -> None:
    """Print a command's result: the JSON record, or the same in words."""
    print(json.dumps(figures, indent=2) if as_json else text, flush=True)


def numbers(text: str | None, option: str) -> tuple[float, ...]:
    """Read comma-separated numbers.

    Raises:
        BadInputError: the text holds something else.
    """
    try:
        return () if text is None else tuple(float(part) for part in text.split(","))
    except ValueError:
        raise BadInputError(f"{option} {text!r} is not a list of numbers such as 0.5,0.5,0.5") from None


def command(function: Callable[_P, None]) -> Callable[_P, None]:
    """Register a command; errors that are the user's to mend end in one line and their exit code."""

    @app.command(name=function.__name__.rstrip("_"), help=function.__doc__)
    @functools.wraps(function)
    def run(*args: _P.args, **kwargs: _P.kwargs) -> None:
        try:
            with interruptible():
                function(*args, **kwargs)
        except XnorflowError as error:
            say(f"xnorflow: error: {' '.join(str(error).split())}")
            raise typer.Exit(error.exit_code) from None
        except KeyboardInterrupt as interrupt:
            say(": ".join([WORDS, *map(str, interrupt.args)]))
            raise typer.Exit(EXIT_CODE) from None
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(0) from None
        except OSError as error:
            say(os_error(error))
            raise typer.Exit(2) from None
        except MemoryError as error:
            say(f"xnorflow: error: not enough memory: {error}")
            raise typer.Exit(2) from None

    return run


def os_error(error: OSError) -> str:
    """The line that an error of the operating system ends in."""
    return f"xnorflow: error: {error.filename or 'output'}: {error.strerror or error}"


def _version(wanted: bool) -> None:
    if wanted:
        print(f"xnorflow {__version__}")
        raise typer.Exit


@app.callback()
def _options(version: Annotated[bool, typer.Option("--version", help="Print the version.", callback=_version, is_eager=True)] = False) -> None:
    del version
