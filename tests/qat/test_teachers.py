"""Teachers from torchvision's files, their images, precision and order."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision
from torch import Tensor, nn
from torch.nn import functional

from xnorflow.errors import BadInputError
from xnorflow.models import ModelConfig, build_config
from xnorflow.pixels import PixelNorm
from xnorflow.qat.checkpoint import RECORD, CheckpointInfo
from xnorflow.qat.data.split import Split
from xnorflow.qat.layers import QuantScheme
from xnorflow.qat.method import MethodSettings, TeacherSettings
from xnorflow.qat.quantise import quantise
from xnorflow.qat.teacher_group import load_teachers
from xnorflow.qat.teachers import Teacher, load_teacher
from xnorflow.qat.train_settings import TrainSettings

MEAN, STD = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
PIXELS = torch.randint(0, 256, (2, 32, 32, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
PLAIN = PixelNorm(mean=(0.5, 0.5, 0.5), std=(0.25, 0.25, 0.25))


def student(classes: int = 5, side: int = 32, epochs: int = 9) -> CheckpointInfo:
    config = ModelConfig(name="resnet-18", input_shape=(3, side, side), num_classes=classes)
    return CheckpointInfo(config, QuantScheme(), "folder", PLAIN, tuple(map(str, range(classes))), TrainSettings(epochs=epochs))


def loaded(settings: TeacherSettings, info: CheckpointInfo | None = None) -> Teacher:
    return load_teacher(settings, info or student(), (), Path)


def architecture(name: str, classes: int = 5) -> nn.Module:
    torch.manual_seed(0)
    network: nn.Module = torchvision.models.get_model(name, weights=None, num_classes=classes)
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            nn.init.uniform_(layer.running_mean, -0.1, 0.1)
    return network.eval()


def as_published(name: str, network: nn.Module) -> dict[str, Tensor]:
    """Its state as torchvision's files hold it: DenseNets with dotted names, the older ones without counters of batches."""
    state = {key: value for key, value in network.state_dict().items() if not key.endswith("num_batches_tracked")}
    if name.startswith("densenet"):
        for layer in ("norm1", "norm2", "conv1", "conv2"):
            state = {key.replace(f".{layer}.", f".{layer[:-1]}.{layer[-1]}.") if "denselayer" in key else key: v for key, v in state.items()}
    return state


@pytest.mark.parametrize("name", ["resnet18", "densenet121", "efficientnet_b0", "convnext_tiny", "resnext50_32x4d"])
def test_torchvisions_files_give_the_logits_of_its_own_network_on_pixels_normalised_its_way(name: str, tmp_path: Path) -> None:
    network, path = architecture(name), tmp_path / f"{name}.pth"
    torch.save(as_published(name, network), path)
    guidance = loaded(TeacherSettings(torchvision=name, weights=str(path))).guide(PIXELS)
    with torch.no_grad():
        expected = network(((PIXELS / 255 - MEAN) / STD).permute(0, 3, 1, 2))
    torch.testing.assert_close(guidance.logits, expected, rtol=1e-4, atol=1e-5)
    assert float(expected.std()) > 0


@pytest.fixture(scope="module")
def resnet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("teacher") / "resnet18.pth"
    torch.save(architecture("resnet18").state_dict(), path)
    return path


def test_a_missing_file_is_one_line_that_says_how_to_make_it() -> None:
    with pytest.raises(BadInputError) as caught:
        loaded(TeacherSettings(torchvision="resnet18", weights="none.pth"))
    message = str(caught.value)
    assert message.startswith("teacher resnet18: weights none.pth do not exist; save torchvision's state_dict of resnet18 there, torch.save(")
    assert "\n" not in message


def test_files_of_other_things_are_refused(resnet: Path, tmp_path: Path) -> None:
    settings = TeacherSettings(torchvision="resnet18", weights=str(resnet))
    with pytest.raises(
        BadInputError, match=r"resnet18\.pth tells 5 classes apart, the data have 7; train torchvision\.models\.resnet18\(num_classes=7\)"
    ):
        loaded(settings, student(classes=7))
    with pytest.raises(BadInputError, match=r"resnet18\.pth: its weights do not fit its network: Error\(s\) in loading"):
        loaded(TeacherSettings(torchvision="resnet34", weights=str(resnet)))
    text, nested = tmp_path / "text.pth", tmp_path / "nested.pth"
    text.write_bytes(b"text")
    torch.save({"model": torch.load(resnet, weights_only=True)}, nested)
    with pytest.raises(BadInputError, match="is no file of weights, or it is damaged"):
        loaded(TeacherSettings(torchvision="resnet18", weights=str(text)))
    with pytest.raises(BadInputError, match="holds no state_dict, tensors by name"):
        loaded(TeacherSettings(torchvision="resnet18", weights=str(nested)))


def test_an_architecture_that_takes_no_such_images_says_so_before_the_training(tmp_path: Path) -> None:
    path = tmp_path / "squeezenet.pth"
    torch.save(architecture("squeezenet1_1").state_dict(), path)
    with pytest.raises(BadInputError, match=r"teacher squeezenet1_1 does not take images of 8x8 \(.*\); give it the size it was trained on"):
        loaded(TeacherSettings(torchvision="squeezenet1_1", weights=str(path)), student(side=8))
    assert loaded(TeacherSettings(torchvision="squeezenet1_1", weights=str(path), size=64), student(side=8)).guide(PIXELS).logits.shape == (2, 5)


def test_a_teacher_sees_the_size_it_wants(resnet: Path) -> None:
    guidance = loaded(TeacherSettings(torchvision="resnet18", weights=str(resnet), size=48, taps=("conv1",))).guide(PIXELS)
    assert guidance.features[0].shape == (2, 64, 24, 24)
    images = functional.interpolate(((PIXELS / 255 - MEAN) / STD).permute(0, 3, 1, 2), (48, 48), mode="bicubic", antialias=True)
    with torch.no_grad():
        expected = architecture("resnet18")(images)
    torch.testing.assert_close(guidance.logits, expected, rtol=1e-4, atol=1e-5)


def test_a_checkpoint_sees_the_size_it_was_trained_on(tmp_path: Path) -> None:
    info = student(side=24)
    network = quantise(build_config(info.config), info.scheme)
    path = tmp_path / "small.ckpt"
    torch.save({RECORD: info.to_record(), "state_dict": {f"network.{key}": value for key, value in network.state_dict().items()}}, path)
    guidance = loaded(TeacherSettings(checkpoint=str(path), size=24)).guide(PIXELS)
    assert guidance.logits.shape == (2, 5)
    with pytest.raises(BadInputError, match=r"takes images \(3, 24, 24\) of 5 classes, it is shown \(3, 32, 32\) of 5"):
        loaded(TeacherSettings(checkpoint=str(path)))


def test_a_teacher_of_other_classes_is_refused(tmp_path: Path) -> None:
    info = dataclasses.replace(student(), classes=("0", "1", "2", "4", "3"))
    network = quantise(build_config(info.config), info.scheme)
    path = tmp_path / "shuffled.ckpt"
    torch.save({RECORD: info.to_record(), "state_dict": {f"network.{key}": value for key, value in network.state_dict().items()}}, path)
    with pytest.raises(BadInputError, match="trained with other classes than its student: label 3 was '4' and is '3'"):
        loaded(TeacherSettings(checkpoint=str(path)))
    assert loaded(TeacherSettings(checkpoint=str(path)), info).guide(PIXELS).logits.shape == (2, 5)


def test_reduced_precision_rounds_the_teacher_only(resnet: Path) -> None:
    full, half = (loaded(TeacherSettings(torchvision="resnet18", weights=str(resnet), precision=each)) for each in ("float32", "bfloat16"))
    one, two = full.guide(PIXELS).logits, half.guide(PIXELS).logits
    assert one.dtype == two.dtype == torch.float32
    assert 0 < float((one - two).abs().max()) < 0.05 * float(one.abs().max())
    assert next(half.network.parameters()).dtype == torch.float32
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(full.guide(PIXELS).logits, one)


def test_half_precision_takes_a_gpu(resnet: Path) -> None:
    teacher = loaded(TeacherSettings(torchvision="resnet18", weights=str(resnet), precision="float16"))
    with pytest.raises(BadInputError, match="teacher resnet18: precision float16 takes a GPU; a CPU has float32 and bfloat16"):
        teacher.to(torch.device("cpu"))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"precision": "int8"}, "teacher any: precision 'int8' is not known; known are float32, bfloat16, float16"),
        ({"size": 0}, "teacher any: size 0 is not positive"),
        ({"accuracy": 77.5}, r"teacher any: accuracy 77\.5 is no fraction in \[0, 1\]"),
    ],
)
def test_unusable_settings_are_refused(settings: dict[str, object], message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        TeacherSettings(stage="any", **settings)
    with pytest.raises(BadInputError, match=r"method\.assistant_order 'size' is not known; known are complexity, given"):
        MethodSettings(assistant_order="size")


class Guess(nn.Module):
    """Says class 0 always; so many parameters."""

    def __init__(self, parameters: int) -> None:
        super().__init__()
        self.ballast = nn.Parameter(torch.zeros(parameters))

    def forward(self, images: Tensor) -> Tensor:
        return functional.one_hot(torch.zeros(len(images), dtype=torch.int64), 4).float()


@pytest.fixture
def guesses(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def load(settings: TeacherSettings, *_: object) -> Teacher:
        return Teacher(Guess(int(str(settings.stage))), PLAIN, 3, settings)

    monkeypatch.setattr("xnorflow.qat.teacher_group.load_teacher", load)
    return lambda: None


def split() -> Split:
    return Split(np.zeros((8, 4, 4, 3), np.uint8), np.array([0, 0, 0, 0, 0, 0, 1, 2]), ("a", "b", "c", "d"))


@pytest.mark.usefixtures("guesses")
def test_assistants_take_turns_by_ascending_complexity_and_the_ranking_is_told() -> None:
    told: list[str] = []
    settings = [("900000", True), ("500000", False), ("400000", True), ("600000", True)]
    teachers = tuple(TeacherSettings(stage=stage, assistant=assistant) for stage, assistant in settings)
    group = load_teachers(MethodSettings(teachers=teachers), student(4), Path, split(), told.append)
    assert [teacher.settings.origin for teacher in group] == ["400000", "500000", "600000", "900000"]
    ranking = "teachers by knowledge complexity: 400000 0.186, 500000 0.222, 600000 0.255, 900000 0.342"
    assert told == [f"{ranking}; assistants: 400000 from epoch 1, 600000 from epoch 4, 900000 from epoch 7"]
    given = load_teachers(MethodSettings(teachers=teachers, assistant_order="given"), student(4), Path, split())
    assert [teacher.settings.origin for teacher in given] == [stage for stage, _ in settings]


@pytest.mark.usefixtures("guesses")
def test_a_stated_accuracy_is_not_measured_and_one_teacher_is_no_group() -> None:
    told: list[str] = []
    teachers = (TeacherSettings(stage="5290000", accuracy=0.7753), TeacherSettings(stage="9110000", accuracy=0.7806))
    load_teachers(MethodSettings(teachers=teachers), student(4), Path, split(), told.append)
    assert told == ["teachers by knowledge complexity: 5290000 0.893, 9110000 1.103"]
    load_teachers(MethodSettings(teachers=teachers[:1]), student(4), Path, split(), told.append)
    assert len(told) == 1
