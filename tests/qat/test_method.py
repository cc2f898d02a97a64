from __future__ import annotations

from pathlib import Path

import pytest

from xnorflow.errors import BadInputError
from xnorflow.qat.recipe import load_recipe

STAGED = """
model: {name: tfc, width: 0.25}
data: {source: digits}
train: {epochs: 3, lr: 0.1}
quant: {activation: approx-sign}
stages:
  real:
    quant: {weight: real, activation: tanh}
  binary:
    train: {lr: 0.2}
    method:
      start: real
      teachers: [{stage: real, taps: ["2"]}]
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "recipe.yaml"
    path.write_text(text)
    return path


def test_a_stage_takes_what_it_leaves_out_from_the_recipe(tmp_path: Path) -> None:
    real, binary = load_recipe(written(tmp_path, STAGED), ["stages.real.train.epochs=1", "train.batch_size=7"]).chain()
    assert (real.name, binary.name) == ("real", "last")
    assert (real.train.epochs, real.train.lr, real.train.batch_size) == (1, 0.1, 7)
    assert (binary.train.epochs, binary.train.lr, binary.train.batch_size) == (3, 0.2, 7)
    assert (real.quant.weight, binary.quant.weight, binary.quant.activation) == ("real", "ste", "approx-sign")
    assert real.model == binary.model
    assert (binary.method.start, binary.method.teachers[0].taps) == ("real", ("2",))


def test_a_recipe_without_stages_is_one() -> None:
    (only,) = load_recipe("tfc-digits").chain()
    assert only.name == "last"
    assert only.train == load_recipe("tfc-digits").train


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("stages={}", r"stages is \{\}; a mapping of names to stages is expected"),
        ("stages.Real={}", "stages: Real: a stage is named by small letters"),
        ("stages.last={}", "stages: last: a stage is named by small letters, digits and hyphens, and not last"),
        ("stages.real=3", "stages: real is 3; a mapping of sections is expected"),
        ("stages.real.optimiser={}", "stages: real: key 'optimiser' is not known; known are model, train, quant, method, data"),
        ("stages.real.data={source: digits}", r"stages: real: data\.source is of all stages; a stage may set crop, flip, augment"),
        ("stages.real.train=3", "stages: real: train is 3; a mapping of keys is expected"),
        ("stages.real.train.epoch=3", "key 'epoch' is not known"),
        ("stages.real.method.start=binary", "stage real needs stage binary, which is none of the earlier ones \\(none\\)"),
        ("stages.binary.method.teachers=[{stage: best}]", "stage last needs stage best, which is none of the earlier ones \\(real\\)"),
        ("stages.binary.method.teachers=[{}]", "a teacher names nothing; one of stage, checkpoint and torchvision is needed"),
        ("stages.binary.method.teachers=[{stage: real, checkpoint: a}]", "a teacher names stage and checkpoint; one of"),
        ("stages.binary.method.teachers=[{torchvision: resnet18}]", "needs torchvision, the architecture's name, and weights"),
        ("method.terms=[{name: cross-entropi}]", "method.terms: loss term 'cross-entropi' is not known; known are cross-entropy"),
        ("method.terms=[{name: logits}, {name: logits}]", "method.terms: terms logits, logits; one or more, each once"),
        ("method.terms=[{name: logits, arguments: {heat: 2}}]", "method.terms: logits: key 'heat' is not known; known are temperature"),
        ("method.terms=[{name: logits, arguments: 2}]", "arguments is 2; a mapping of names is expected"),
        ("method.terms=[{name: logits, ramp: 2}]", "term logits: ramp 2.0 is not in"),
        ("method.rule={name: bnev}", "method.rule: weight rule 'bnev' is not known; known are latent-clip, bnew, proxquant"),
        ("method.rule={name: bnew, arguments: {rate: -1}}", "rate -1.0 is negative or not finite"),
        ("method.harden_at=1", r"method.harden_at 1.0 is not in \[0, 1\)"),
        ("quant.weight_settings={hard_at: 1}", "weight ste has no 'hard_at'; it has clip"),
    ],
)
def test_a_wrong_method_is_refused_with_what_is_accepted(setting: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=message):
        load_recipe(written(tmp_path, STAGED), [setting])


def test_a_loss_is_given_once() -> None:
    with pytest.raises(BadInputError, match=r"train.loss squared-hinge and method.terms are given"):
        load_recipe("tfc-digits", ["train.loss=squared-hinge", "method.terms=[{name: logits}]"])


@pytest.mark.parametrize(
    ("method", "message"),
    [
        ("terms=[{name: consecutive}]", r"stage binary: term consecutive needs 2 teachers at a time, method\.teachers gives 1"),
        ("terms=[{name: attention}]", r"stage binary: term attention looks at features, and method\.taps names no module"),
        ("terms=[{name: mimicking}]", None),
        ("terms=[{name: kurtosis}]", None),
    ],
)
def test_terms_get_the_teachers_and_taps_they_need(method: str, message: str | None, tmp_path: Path) -> None:
    path = written(tmp_path, STAGED)
    if message is None:
        load_recipe(path, [f"stages.binary.method.{method}"])
    else:
        with pytest.raises(BadInputError, match=message):
            load_recipe(path, [f"stages.binary.method.{method}"])


def test_two_assistants_are_one_teacher_at_a_time(tmp_path: Path) -> None:
    path = written(tmp_path, STAGED)
    teachers = "stages.binary.method.teachers=[{stage: real, assistant: true}, {stage: real, assistant: true}]"
    with pytest.raises(BadInputError, match=r"needs 2 teachers at a time, method\.teachers gives 1"):
        load_recipe(path, [teachers, "stages.binary.method.terms=[{name: consecutive}]"])
