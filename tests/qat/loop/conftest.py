"""A process that has loaded everything and runs commands in children, each of which can be killed."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

# Loading torch takes seconds; a child of a process that has it begins at once. The parent never computes, since a child
# of one that ran a backward pass cannot run its own.
NURSERY = """
import json, os, signal, sys, time
import xnorflow.cli
import xnorflow.flows.train
import xnorflow.qat.training
import torch.utils.tensorboard

def die_at(number):
    confirm, count = os.fsync, 0
    def confirm_or_die(file):
        nonlocal count
        count += 1
        if count == number:
            os.kill(os.getpid(), signal.SIGKILL)
        confirm(file)
    os.fsync = confirm_or_die

print("ready", flush=True)
for line in sys.stdin:
    order = json.loads(line)
    child = os.fork()
    if child == 0:
        words = os.open(order["words"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(words, 1)
        os.dup2(words, 2)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        if order["die_at"]:
            die_at(order["die_at"])
        sys.argv = ["xnorflow", *order["arguments"]]
        code = 99
        try:
            xnorflow.cli.main()
        except SystemExit as stop:
            code = stop.code or 0
        finally:
            sys.stdout.flush()
            os._exit(code)
    if order["signal"]:
        time.sleep(order["after"])
        os.kill(child, order["signal"])  # still there, or a zombie that nobody has waited for
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


class Nursery:
    """Runs commands, one at a time."""

    def __init__(self, folder: Path) -> None:
        self.words = folder / "words"
        self.process = subprocess.Popen([sys.executable, "-c", NURSERY], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.answer() == "ready"

    def answer(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def run(self, *arguments: str, die_at: int = 0, after: float = 0.0, sent: int = 0) -> int:
        """Run ``xnorflow ARGUMENTS``; gives its exit code, or minus the number of the signal that ended it.

        Args:
            arguments: of the command.
            die_at: call of ``fsync``, 1 first, at which it is killed.
            after: seconds after which the signal ``sent`` is sent, where it is not 0.
            sent: the signal's number.
        """
        assert self.process.stdin is not None
        order = {"arguments": arguments, "words": str(self.words), "die_at": die_at, "after": after, "signal": sent}
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        return int(self.answer())


@pytest.fixture(scope="package")
def nursery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nursery]:
    made = Nursery(tmp_path_factory.mktemp("nursery"))
    with made.process:
        yield made
        made.process.kill()  # its orderly end would take seconds
