"""Long work of external tools in stages: each has a log and a stamp, so that an interrupted run goes on where it stopped.

A folder of stages is whole in itself: ``continue.sh`` in it runs them on a machine that has the tools and nothing of this
package.
"""

from __future__ import annotations

import fcntl
import os
import re
import shlex
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from xnorflow.errors import BadInputError, CheckFailedError, MissingToolError
from xnorflow.flows.vendor_tools import Tool, find_tool, missing_words

if TYPE_CHECKING:
    from collections.abc import Callable

CONTINUE = "continue.sh"
LAST_LINES = 8  # of a log that an error quotes
_TICK = 30.0  # seconds between two lines of progress
_STAMPS, _LOGS = "stages", "logs"
_PLAIN = re.compile(r"[A-Za-z0-9_.][A-Za-z0-9_./-]*")


@dataclass(frozen=True)
class Stage:
    """One run of one tool.

    Attributes:
        name: of its log and its stamp.
        tool: the program.
        arguments: what it is given; paths are relative to the folder, where it runs.
        makes: files that are there when it has done its work.
    """

    name: str
    tool: str
    arguments: tuple[str, ...]
    makes: tuple[str, ...]

    def __post_init__(self) -> None:
        assert all(_PLAIN.fullmatch(text) for text in (self.name, self.tool, *self.makes)), f"stage {self} has a name that no shell takes unquoted"


@dataclass(frozen=True)
class StageFolder:
    """Stages in a folder, in order."""

    folder: Path
    stages: tuple[Stage, ...]

    def done(self, stage: Stage) -> bool:
        """Whether a stage has finished, and what it made is still there."""
        return self._stamp(stage).is_file() and not self._absent(stage)

    def missing(self) -> tuple[str, ...]:
        """The tools of unfinished stages that are not on PATH."""
        wanted = dict.fromkeys(stage.tool for stage in self.stages if not self.done(stage))
        return tuple(name for name in wanted if shutil.which(name) is None)

    def run(self, progress: Callable[[str], None] | None = None) -> None:
        """Run every stage that is not done; a stage whose predecessor ran runs again.

        Raises:
            MissingToolError: a tool is not on PATH; nothing was started.
            BadInputError: another run works in the folder.
            CheckFailedError: a tool failed, or did not make what it should; the message ends with the last lines of its log.
        """
        say = progress or (lambda _: None)
        missing = self.missing()
        if missing:
            raise MissingToolError(f"{missing_words(missing)}; or copy {self.folder} to a machine that has it and run {CONTINUE} there")
        with self._alone() as lock:
            tools: dict[str, Tool] = {}
            fresh = False
            for stage in self.stages:
                if self.done(stage) and not fresh:
                    say(f"{stage.name}: done before")
                    continue
                fresh = True
                self._stamp(stage).unlink(missing_ok=True)
                if stage.tool not in tools:
                    tools[stage.tool] = _found(stage.tool)
                self._run(stage, tools[stage.tool], lock, say)
                self._stamp(stage).write_text("")

    def _run(self, stage: Stage, tool: Tool, lock: int, say: Callable[[str], None]) -> None:
        log = self.folder / _LOGS / f"{stage.name}.log"
        say(f"{stage.name}: {tool.name} {tool.version}, log {log}")
        begin = time.monotonic()
        with log.open("wb") as file:
            process = subprocess.Popen(
                [tool.path, *stage.arguments],
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                pass_fds=(lock,),
                process_group=0,
            )
            with _ended_with_its_children(process):
                while process.poll() is None:
                    with suppress(subprocess.TimeoutExpired):
                        process.wait(_TICK)
                        break
                    say(f"{stage.name}: {time.monotonic() - begin:.0f} s, {(last_lines(log, 1) or ['no line yet'])[0]}")
        if process.returncode:
            raise CheckFailedError(f"{tool.name} failed in stage {stage.name} with exit code {process.returncode}; {ending(log)}")
        absent = self._absent(stage)
        if absent:
            raise CheckFailedError(f"{tool.name} ended stage {stage.name} without making {absent[0]}; {ending(log)}")
        say(f"{stage.name}: done in {time.monotonic() - begin:.0f} s")

    @contextmanager
    def _alone(self) -> Iterator[int]:
        """Hold the folder's lock; a tool that outlives a killed run holds it as well."""
        for name in (_STAMPS, _LOGS):
            (self.folder / name).mkdir(exist_ok=True)
        lock = os.open(self.folder / _STAMPS / "lock", os.O_RDWR | os.O_CREAT, 0o644)
        try:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise BadInputError(f"another run, or a tool that one left behind, is at work in {self.folder}; wait for it or end it") from None
            yield lock
        finally:
            os.close(lock)

    def _stamp(self, stage: Stage) -> Path:
        return self.folder / _STAMPS / f"{stage.name}.done"

    def _absent(self, stage: Stage) -> list[str]:
        return [name for name in stage.makes if not (self.folder / name).exists()]


def _found(name: str) -> Tool:
    tool = find_tool(name)
    if tool is None:
        raise MissingToolError(f"{missing_words((name,))}; it was there a moment ago")
    return tool


@contextmanager
def _ended_with_its_children(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """Whatever interrupts the wait for a tool ends it and what it started: Vivado is a script around the program proper."""
    try:
        yield
    except BaseException:
        for number in (signal.SIGTERM, signal.SIGKILL):
            with suppress(ProcessLookupError):
                os.killpg(process.pid, number)
            with suppress(subprocess.TimeoutExpired):
                process.wait(10)
        raise


def last_lines(log: Path, count: int = LAST_LINES) -> list[str]:
    """The last lines of a log that are not empty."""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 65536))
        text = file.read().decode("utf-8", errors="replace")
    return [line.strip() for line in text.splitlines() if line.strip()][-count:]


def ending(log: Path) -> str:
    """What an error quotes of a log: where it is, and its last lines."""
    lines = last_lines(log) if log.is_file() else []
    return f"its log {log} ends: {' | '.join(lines)}" if lines else f"its log {log} is empty"


_SCRIPT = """\
#!/bin/sh
# Runs the stages that are not done, on a machine with {tools}; after any interruption, run it again.
cd "$(dirname "$0")" || exit 2
missing=
for tool in {tools}; do command -v "$tool" >/dev/null 2>&1 || missing="$missing $tool"; done
[ -z "$missing" ] || {{ echo "not on PATH:$missing" >&2; exit 2; }}
mkdir -p {stamps} {logs} || exit 2
fresh=
stage() {{
  name=$1
  makes=$2
  shift 2
  absent=
  for file in $makes; do [ -e "$file" ] || absent=$file; done
  if [ -z "$fresh$absent" ] && [ -f "{stamps}/$name.done" ]; then echo "$name: done before"; return; fi
  fresh=yes
  rm -f "{stamps}/$name.done"
  echo "$name: log {logs}/$name.log"
  "$@" </dev/null >"{logs}/$name.log" 2>&1
  code=$?
  if [ "$code" -ne 0 ]; then
    echo "$1 failed in stage $name with exit code $code; its log ends:" >&2
    tail -n {last} "{logs}/$name.log" >&2
    exit 1
  fi
  for file in $makes; do [ -e "$file" ] || {{ echo "$1 ended stage $name without making $file" >&2; exit 1; }}; done
  : >"{stamps}/$name.done"
}}
{calls}
echo "all stages are done"
"""


def write_continue(folder: Path, stages: tuple[Stage, ...]) -> None:
    """Write ``continue.sh``, which does in a plain shell what :meth:`StageFolder.run` does."""
    tools = " ".join(dict.fromkeys(stage.tool for stage in stages))
    calls = "\n".join(f"stage {stage.name} {shlex.quote(' '.join(stage.makes))} {shlex.join([stage.tool, *stage.arguments])}" for stage in stages)
    path = folder / CONTINUE
    path.write_text(_SCRIPT.format(tools=tools, stamps=_STAMPS, logs=_LOGS, last=LAST_LINES, calls=calls), encoding="utf-8")
    path.chmod(0o755)
