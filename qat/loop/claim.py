"""One training at a time in a folder."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from xnorflow.errors import BadInputError
from xnorflow.qat.loop.ranks import is_first

LOCK = "training.lock"
HELD = (errno.EAGAIN, errno.EACCES)


@contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """Keep other trainings out of ``folder`` inside, which would write the same files; the first process does so for all.

    The operating system lets go of the lock when the process ends, however that is, so a file that is left over stops nobody.

    Raises:
        BadInputError: another process trains there, or the folder takes no lock.
    """
    if not is_first():
        yield
        return
    path = folder / LOCK
    try:
        file = _locked(path)
    except OSError as error:
        if error.errno in HELD:
            raise BadInputError(f"{folder} is the folder of a training that is under way; wait for its end, or name another folder") from error
        raise BadInputError(f"{path} cannot be locked: {error.strerror}") from error
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        file.close()


def _locked(path: Path) -> IO[bytes]:
    while True:
        file = path.open("ab")
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # of the process: workers that outlive it do not hold it
        except BaseException:
            file.close()
            raise
        if path.exists() and os.path.samestat(path.stat(), os.fstat(file.fileno())):
            return file
        file.close()  # removed by the former holder between the opening and the locking
