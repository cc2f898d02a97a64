"""Ctrl-C at any moment ends in one line and code 130, and what was written can be resumed."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from xnorflow.interrupts import interruptible

TRAIN = ["train", "cnv-small-digits", "--set=data.limit_train=256", "--set=model.width=0.25", "--set=train.checkpoint_every=1", "--accelerator=cpu"]


def test_ctrl_c_while_torch_loads() -> None:
    process = subprocess.Popen([sys.executable, "-m", "xnorflow.cli", *TRAIN], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    maps = Path(f"/proc/{process.pid}/maps")
    if not maps.is_file():
        process.kill()
        process.communicate()
        pytest.skip("the system does not tell which libraries a process has loaded")
    while "libtorch" not in maps.read_text():
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    words = process.communicate(timeout=60)
    assert (process.returncode, words) == (130, ("", "xnorflow: interrupted\n"))


def test_ctrl_c_in_training(nursery: Any, tmp_path: Path) -> None:
    for number, after in enumerate((0.2, 0.4, 0.8, 1.2, 2.0, 3.0)):
        folder = tmp_path / str(number)
        code = nursery.run(*TRAIN, "--set=train.epochs=1000", "--out", str(folder), after=after, sent=signal.SIGINT)
        assert code == 130, nursery.words.read_text()
        words = nursery.words.read_text()
        assert words in ("xnorflow: interrupted\n", f"xnorflow: interrupted: the training goes on with --resume {folder}\n")
        for file in folder.glob("*.ckpt"):
            assert torch.load(file, weights_only=True)["global_step"] >= 1
    assert (folder / "last.ckpt").is_file()


def test_ctrl_c_that_a_library_made_another_error_stays_ctrl_c() -> None:
    def body() -> None:
        with interruptible():
            try:
                signal.raise_signal(signal.SIGINT)
            except KeyboardInterrupt as interrupt:
                raise ImportError("library") from interrupt

    before = signal.getsignal(signal.SIGINT)
    try:
        with pytest.raises(KeyboardInterrupt):
            body()
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN  # a second one does not disturb the end
    finally:
        signal.signal(signal.SIGINT, before)


def test_other_errors_stay_what_they_are() -> None:
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(ValueError, match="mine"), interruptible():
        raise ValueError("mine")
    assert signal.getsignal(signal.SIGINT) is before


def test_a_background_job_stays_deaf() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with interruptible():
            signal.raise_signal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("words", ["--help", "train --help"])
def test_help_into_a_closed_pipe_gives_no_traceback(words: str) -> None:
    done = subprocess.run(f"{sys.executable} -m xnorflow.cli {words} | true", shell=True, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
