"""Loss terms combine freely."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch.nn import functional

from xnorflow.errors import BadInputError
from xnorflow.qat.distill.attention import attention_matching
from xnorflow.qat.distill.consecutive import consecutive_distillation
from xnorflow.qat.distill.distribution import distribution_distance, group_distillation
from xnorflow.qat.distill.logits import logit_distillation
from xnorflow.qat.regularise.kurtosis import kurtosis_loss
from xnorflow.qat.regularise.mimicking import mimicking_loss
from xnorflow.qat.terms import TERMS, Observation, TermSum, WeightedTerm

GENERATOR = torch.Generator().manual_seed(0)


def noise(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=GENERATOR)


LOGITS = noise(8, 5).requires_grad_()
SEEN = Observation(
    LOGITS,
    torch.arange(8) % 5,
    teacher_logits=[noise(8, 5), noise(8, 5)],
    features=[noise(8, 4, 3, 3), noise(8, 6, 2, 2)],
    teacher_features=[[noise(8, 2, 3, 3), noise(8, 12, 2, 2)]],
    weights=[noise(4, 4, 3, 3), noise(6, 4, 3, 3)],
    teacher_weights=[noise(4, 4, 3, 3), noise(6, 4, 3, 3)],
)
FEW = Observation(LOGITS, SEEN.labels)


def expected() -> dict[str, torch.Tensor]:
    last = [features[-1] for features in SEEN.teacher_features]
    return {
        "cross-entropy": functional.cross_entropy(LOGITS, SEEN.labels),
        "squared-hinge": sum(
            (
                max(0, 1 - (1 if k == label else -1) * row[k]) ** 2
                for row, label in zip(LOGITS, SEEN.labels.tolist(), strict=True)
                for k in range(len(row))
            ),
            torch.zeros(()),
        )
        / LOGITS.numel(),
        "logits": logit_distillation(LOGITS, SEEN.teacher_logits[0]),
        "attention": attention_matching(SEEN.features, SEEN.teacher_features[0]),
        "consecutive": consecutive_distillation(LOGITS, *SEEN.teacher_logits),
        "teacher-group": group_distillation(LOGITS, SEEN.teacher_logits),
        "distribution": distribution_distance(SEEN.features[-1], last),
        "kurtosis": kurtosis_loss(SEEN.weights, [1.8]),
        "mimicking": mimicking_loss(SEEN.weights, SEEN.teacher_weights),
    }


def test_all_terms_together_give_their_weighted_sum() -> None:
    values = expected()
    assert set(TERMS.names) == set(values)
    weights = {name: 0.5 + index for index, name in enumerate(values)}
    total, parts = TermSum([WeightedTerm(name, weight) for name, weight in weights.items()])(SEEN)
    assert total.item() == pytest.approx(sum(weights[name] * value.item() for name, value in values.items()), rel=1e-5)
    assert {name: value.item() for name, value in parts.items()} == pytest.approx({name: value.item() for name, value in values.items()})
    total.backward()
    assert LOGITS.grad is not None


@pytest.mark.parametrize(
    ("name", "arguments", "value"),
    [
        ("cross-entropy", {"smoothing": 0.1}, functional.cross_entropy(LOGITS, SEEN.labels, label_smoothing=0.1)),
        ("logits", {"temperature": 4}, logit_distillation(LOGITS, SEEN.teacher_logits[0], 4)),
        ("attention", {"form": "larq"}, attention_matching(SEEN.features, SEEN.teacher_features[0], "larq")),
        ("consecutive", {"sign": 1, "form": "code"}, consecutive_distillation(LOGITS, *SEEN.teacher_logits, sign=1, form="code")),
        ("teacher-group", {"betas": [0.7, 0.1]}, group_distillation(LOGITS, SEEN.teacher_logits, [0.7, 0.1])),
        ("distribution", {"per_sample": True}, distribution_distance(SEEN.features[-1], [SEEN.teacher_features[0][-1]], per_sample=True)),
        ("kurtosis", {"targets": [1.2, 1.0]}, kurtosis_loss(SEEN.weights, [1.2, 1.0])),
        ("mimicking", {"reduction": "mean"}, mimicking_loss(SEEN.weights, SEEN.teacher_weights, reduction="mean")),
    ],
)
def test_arguments_reach_the_terms(name: str, arguments: dict[str, object], value: torch.Tensor) -> None:
    assert TermSum([WeightedTerm(name, arguments=arguments)])(SEEN)[0].item() == pytest.approx(value.item())


def test_a_ramp_raises_the_factor_linearly() -> None:
    line = WeightedTerm("kurtosis", weight=2.0, ramp=0.5)
    assert [line.factor(step, 8) for step in (0, 1, 2, 4, 8)] == [0.0, 0.5, 1.0, 2.0, 2.0]
    assert WeightedTerm("kurtosis", weight=2.0).factor(0, 8) == 2.0


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("logits", "term logits needs 1 teacher logits, the recipe gives 0"),
        ("consecutive", "needs 2 teacher logits"),
        ("attention", "needs 1 features"),
        ("kurtosis", "needs 1 weights"),
        ("mimicking", "needs 1 weights"),
    ],
)
def test_a_term_without_its_inputs_says_what_it_needs(name: str, message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        TermSum([WeightedTerm(name)])(FEW)


def test_unusable_sums_are_refused() -> None:
    with pytest.raises(BadInputError, match="loss: loss term 'l2' is not known; known are cross-entropy"):
        TermSum([WeightedTerm("l2")])
    with pytest.raises(BadInputError, match="each once"):
        TermSum([WeightedTerm("logits"), WeightedTerm("logits")])
    with pytest.raises(BadInputError, match="published targets 'cifar100' are not known; known are imagenet-resnet18, cifar"):
        TermSum([WeightedTerm("kurtosis", arguments={"published": "cifar100"})])
    with pytest.raises(BadInputError, match=r"targets and published \(cifar\) are given; one of them is accepted"):
        TermSum([WeightedTerm("kurtosis", arguments={"published": "cifar", "targets": [1.0]})])
    with pytest.raises(BadInputError, match=r"ramp 2 is not in \[0, 1\]"):
        WeightedTerm("logits", ramp=2)
    with pytest.raises(BadInputError, match="term logits: weight nan is not finite"):
        WeightedTerm("logits", weight=float("nan"))


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("logits", {"form": "hinge"}, "form 'hinge' is not known; known are divergence, cross-entropy"),
        ("logits", {"temperature": 0}, "temperature 0.0 is not positive"),
        ("attention", {"form": "mean"}, "attention form 'mean' is not known; known are paper, larq"),
        ("consecutive", {"sign": 0}, "sign 0 is neither -1 nor"),
        ("consecutive", {"form": "larq"}, "form 'larq' is not known; known are paper, code"),
        ("distribution", {"match": "crop"}, "match 'crop' is not known"),
        ("kurtosis", {"targets": [-1.2]}, r"target -1\.2 cannot be reached"),
        ("kurtosis", {"targets": []}, "no target"),
        ("mimicking", {"variant": "kl"}, "variant 'kl'"),
        ("cross-entropy", {"smoothing": 1.0}, r"smoothing 1\.0 is not in \[0, 1\)"),
    ],
)
def test_a_wrong_argument_is_refused_before_the_training(name: str, arguments: dict[str, object], message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        TermSum([WeightedTerm(name, arguments=arguments)])


def test_a_learned_match_maps_the_student_to_each_teachers_width() -> None:
    terms = TermSum([WeightedTerm("distribution", arguments={"match": "learned", "widths": [6, 12, 6]})])
    seen = replace(SEEN, teacher_features=[[noise(8, 12, 2, 2)], [noise(8, 6, 2, 2)]], parts=dict(terms.parts.items()))
    maps = [part.weight for part in terms.parts["distribution"]]
    assert [tuple(weight.shape) for weight in maps] == [(12, 6), (6, 6)]
    student = seen.features[-1].mean((2, 3))
    each = [
        distribution_distance(student @ weight.T, [features[-1].mean((2, 3))], match="none")
        for weight, features in zip(maps, seen.teacher_features, strict=True)
    ]
    total, _ = terms(seen)
    assert float(total.detach()) == pytest.approx(float(sum(each).detach()) / 2)
    total.backward()
    assert all(weight.grad is not None and bool(weight.grad.any()) for weight in maps)
    with pytest.raises(BadInputError, match=r"widths \(6, 12, 6\) are given, the features have \(6, 12\) channels"):
        terms(replace(SEEN, parts=dict(terms.parts.items())))


@pytest.mark.parametrize(
    "arguments", [{"match": "learned"}, {"match": "learned", "widths": [6]}, {"widths": [6, 12]}, {"match": "learned", "widths": [6, 0]}]
)
def test_widths_belong_to_a_learned_match(arguments: dict[str, object]) -> None:
    with pytest.raises(BadInputError, match="match learned needs the student's channels and each teacher's"):
        TermSum([WeightedTerm("distribution", arguments=arguments)])


@pytest.mark.parametrize("name", ["logits", "consecutive", "teacher-group"])
def test_distillation_alone_does_not_look_at_the_labels(name: str) -> None:
    terms = TermSum([WeightedTerm(name)])
    assert float(terms(SEEN)[0].detach()) == float(terms(replace(SEEN, labels=SEEN.labels.flip(0)))[0].detach()) > 0
