from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from xnorflow.errors import BadInputError
from xnorflow.flows.train import train
from xnorflow.qat.loop.claim import LOCK, claimed

HOLD = """
import sys, time
from pathlib import Path
from xnorflow.qat.loop.claim import claimed
with claimed(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(600)
"""


def test_a_folder_is_refused_while_another_process_trains_there_and_free_when_that_is_killed(tmp_path: Path) -> None:
    (tmp_path / "last.ckpt.unfinished").write_bytes(b"of the other")
    with subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(BadInputError, match="is the folder of a training that is under way; wait for its end, or name another folder"):
            train("tfc-digits", tmp_path, overrides=["train.epochs=1", "data.limit_train=50"])
        assert (tmp_path / "last.ckpt.unfinished").read_bytes() == b"of the other"
        assert not (tmp_path / "last.ckpt").exists()
        other.kill()
    assert (tmp_path / LOCK).exists()
    train("tfc-digits", tmp_path, overrides=["train.epochs=1", "data.limit_train=50"])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["last.ckpt", "logs"]


def test_a_folder_is_free_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(KeyError), claimed(tmp_path):
        raise KeyError
    assert list(tmp_path.iterdir()) == []
