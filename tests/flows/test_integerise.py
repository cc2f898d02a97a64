from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch

from xnorflow.errors import BadInputError, UnsupportedModelError
from xnorflow.flows.evaluate import evaluate
from xnorflow.flows.export import export
from xnorflow.flows.integerise import StepAccuracy, integerise
from xnorflow.flows.render import integers_text
from xnorflow.flows.train import train
from xnorflow.hw.lowering.reference import qonnx_execute
from xnorflow.qat.checkpoint import load_checkpoint
from xnorflow.qat.data.sources import load_split
from xnorflow.qat.integerise.network import IntegerNetwork

SETTINGS = ["model.name=bireal-20", "model.width=0.5", "quant.weight_scale=mean", "train.epochs=5", "train.lr=0.01", "train.batch_size=64"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train("tfc-digits", tmp_path_factory.mktemp("trained"), overrides=SETTINGS).checkpoint


@pytest.fixture(scope="module")
def tuned(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    out = tmp_path_factory.mktemp("integers") / "new"
    return integerise(trained, out, bits=["stream=10", "classifier=6,8"], fine_tune_epochs=1, settings=["fine_tune.lr=1e-4"])


def test_accuracy_is_told_for_every_step_and_stays_near_the_trained_network(tuned: Any) -> None:
    trained, integers, epoch = tuned.steps
    assert (trained.step, integers.step, epoch.step[:7]) == ("trained", "integers", "epoch 1")
    assert trained.accuracy > 0.8
    assert integers.accuracy > trained.accuracy - 0.05
    assert epoch.accuracy > trained.accuracy - 0.05


def test_images_won_and_lost_account_for_every_change_of_accuracy(tuned: Any) -> None:
    trained, *others = tuned.steps
    assert (trained.won, trained.lost, trained.chance) == (0, 0, 1.0)
    for each in others:
        assert each.won + each.lost > 0
        assert round((each.accuracy - trained.accuracy) * tuned.images) == each.won - each.lost
    assert [each["won"] for each in tuned.to_json()["accuracies"]] == [each.won for each in tuned.steps]
    assert "images won" in integers_text(tuned)


@pytest.mark.parametrize(("won", "lost", "chance"), [(0, 0, 1), (5, 5, 1), (0, 1, 1), (0, 5, 1 / 16), (6, 0, 1 / 32), (1, 9, 22 / 1024)])
def test_chance_is_that_of_a_fair_coin(won: int, lost: int, chance: float) -> None:
    assert StepAccuracy("step", 0.5, won, lost).chance == chance


def test_the_checkpoint_evaluates_and_exports_to_the_accuracy_and_bits_told(tuned: Any, tmp_path: Path) -> None:
    assert evaluate(tuned.checkpoint).accuracy == tuned.steps[-1].accuracy == load_checkpoint(tuned.checkpoint)[0].accuracy
    assert export(tuned.checkpoint, tmp_path / "net.onnx").images == 64
    test = load_split("digits", "test")
    info, _ = load_checkpoint(tuned.checkpoint)
    images = np.ascontiguousarray(info.pixel_norm.apply(test.images).transpose(0, 3, 1, 2))
    logits = qonnx_execute(onnx.load(tmp_path / "net.onnx"), images)
    assert float((logits.argmax(1) == test.labels).mean()) == tuned.steps[-1].accuracy


def test_the_checkpoint_holds_integers_only(tuned: Any) -> None:
    _, network = load_checkpoint(tuned.checkpoint)
    assert isinstance(network, IntegerNetwork)
    network.bounds()
    for name, step in network.steps.items():
        if "Convolution" in type(step).__name__:
            codes = step.conv.weight.detach() * 2.0 ** getattr(step, "fraction", 0)
            assert torch.equal(codes, codes.round()), name
    again = IntegerNetwork.from_record(network.to_record(), "again")
    again.load_state_dict(network.state_dict())
    images = torch.rand(4, 1, 8, 8)
    assert torch.equal(again.eval()(images), network(images))


def test_the_report_bounds_every_step_and_counts_saturation(tuned: Any) -> None:
    record = json.loads(json.dumps(tuned.to_json()))
    _, network = load_checkpoint(tuned.checkpoint)
    assert isinstance(network, IntegerNetwork)
    assert [bound["name"] for bound in record["bounds"]] == [wire.name for wire in network.wires]
    assert all(0 <= bound["worst"] < bound["limit"] == 1 << 24 for bound in record["bounds"])
    assert [each["name"] for each in record["saturation"]] == [wire.name for wire in network.wires if wire.kind == "Quant"]
    assert max(each["share"] for each in record["saturation"]) < 0.05
    assert {each["bits"] for each in record["saturation"] if each["name"].startswith("stage") and "branch" not in each["name"]} >= {10}


def test_training_end_to_end_flips_binary_weights_and_the_default_does_not(trained: Path, tmp_path: Path) -> None:
    def signs(*settings: str) -> torch.Tensor:
        found = integerise(trained, tmp_path / "integers", fine_tune_epochs=1, settings=["fine_tune.lr=0.005", *settings])
        _, network = load_checkpoint(found.checkpoint)
        return torch.cat([step.conv.weight.detach().flatten() for step in network.steps.values() if type(step).__name__ == "BinaryConvolution"])

    before = torch.cat([p.detach().flatten() for n, p in load_checkpoint(trained)[1].named_parameters() if "stage" in n and p.dim() == 4])
    expected = torch.where(before >= 0, 1.0, -1.0)
    assert torch.equal(signs(), expected)
    flipped = signs("fine_tune.end_to_end=true")
    assert 0 < float((flipped != expected).float().mean()) < 0.5
    assert set(flipped.unique().tolist()) == {-1.0, 1.0}


def test_exporting_a_float_residual_says_what_to_run(trained: Path, tmp_path: Path) -> None:
    with pytest.raises(UnsupportedModelError, match=r"layer stem\.conv is real-valued, as 2 layers are: .* `xnorflow integerise` first"):
        export(trained, tmp_path / "net.onnx")
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_made_of_integers_is_refused_and_nothing_is_left(trained: Path, tuned: Any, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with pytest.raises(BadInputError, match=r"integers\.ckpt is a network of integers already"):
        integerise(tuned.checkpoint, out)
    chain = train("tfc-digits", tmp_path / "chain", overrides=["train.epochs=1", "data.limit_train=64"]).checkpoint
    with pytest.raises(BadInputError, match=r"last\.ckpt has no real-valued layers; `xnorflow export` takes it as it is"):
        integerise(chain, out)
    for bits, message in (
        (["stem=9,8"], "bits: stem has weights of 9 bits; 2 to 8 are accepted"),
        (["stream=1"], "bits: stream has 1 bits; 2 to 16 are accepted"),
        (["gate=8"], "bits: key 'gate' is not known; known are stem, downsample"),
        (["stream"], "is not of the form key=value"),
    ):
        with pytest.raises(BadInputError, match=message):
            integerise(trained, out, bits=bits)
    for setting, message in (
        ("coverage=2", "coverage 2.0 is not between 0.5 and 1"),
        ("images=0", "0 calibration images; at least 1 is needed"),
        ("fine_tune.lr=-1", "fine_tune.lr -1.0 is not a positive number"),
        ("fine_tune.epochs=-1", "fine_tune.epochs -1 is negative"),
    ):
        with pytest.raises(BadInputError, match=message):
            integerise(trained, out, settings=[setting])
    assert not out.exists()


def test_steps_that_do_not_fit_each_other_are_refused_by_name(tuned: Any, tmp_path: Path) -> None:
    content = torch.load(tuned.checkpoint, weights_only=True)
    steps = [dict(step) for step in content["integer_steps"]]
    add = next(step for step in steps if step["kind"] == "Add")
    add["inputs"] = add["inputs"][:1]
    torch.save(content | {"integer_steps": steps}, tmp_path / "bad.ckpt")
    with pytest.raises(UnsupportedModelError, match=f"layer {add['name']} cannot read the 1 tensors it is given"):
        evaluate(tmp_path / "bad.ckpt")


def test_a_damaged_record_of_steps_is_refused_by_name(tuned: Any, tmp_path: Path) -> None:
    content = torch.load(tuned.checkpoint, weights_only=True)
    for damage in ({"kind": "Divide"}, {"inputs": ["nowhere"]}, {"arguments": {"bits": 1.5}}, {"name": 3}):
        steps = [dict(step) for step in content["integer_steps"]]
        steps[5] |= damage
        torch.save(content | {"integer_steps": steps}, tmp_path / "bad.ckpt")
        with pytest.raises(BadInputError, match=r"bad\.ckpt: "):
            load_checkpoint(tmp_path / "bad.ckpt")
