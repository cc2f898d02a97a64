from __future__ import annotations

from pathlib import Path

import pytest

from xnorflow.flows.train import train
from xnorflow.qat.classifier import BinaryClassifier


def test_ctrl_c_in_training_stays_an_interrupt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lightning ends the program with code 1 instead, which is that of a failed check."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(BinaryClassifier, "training_step", interrupt)
    with pytest.raises(KeyboardInterrupt):
        train("tfc-digits", tmp_path, overrides=["train.epochs=1"])
    assert not (tmp_path / "last.ckpt").exists()
