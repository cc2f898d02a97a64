"""FINN+ deployments, against a stand-in for finn-plus-driver that packs with FINN's own functions and runs the simulated network."""

from __future__ import annotations

import json
import sys
from types import ModuleType

import numpy as np
import pytest
from typer.testing import CliRunner

from xnorflow.cli import app
from xnorflow.errors import BadInputError, MissingToolError
from xnorflow.flows.board.finn_settings import complete_deployment, finn_settings
from xnorflow.hw.graph import StreamType
from xnorflow.hw.interpreter import execute
from xnorflow.hw.types import IntType
from xnorflow.sim.accelerator import Accelerator
from xnorflow.sim.packing import BeatFormat
from xnorflow.sim.rtl import sink_format, source_format

packing = pytest.importorskip("finn.util.data_packing")
FLIPS = {"reverse_endian": True, "reverse_inner": True}  # as finn-plus-driver calls them


def finn_type(name: str):
    from qonnx.core.datatype import DataType

    return DataType[name]


def overlay(hardware):
    """FINNDMAOverlay of finn-plus-driver 1.6 as far as its callers see it; ``hardware`` maps the bytes of a batch to bytes."""

    class FINNDMAOverlay:
        def __init__(self, bitfile_name, platform, io_shape_dict, batch_size=1, fclk_mhz=100.0, device=None, download=True, **more) -> None:
            self.bitfile, self.more, self.batch_size, self.shapes = bitfile_name, more, batch_size, io_shape_dict
            assert (platform, device, download) == ("zynq-iodma", None, True)

        def _shape(self, key: str) -> tuple[int, ...]:
            return (self.batch_size, *self.shapes[key][0][1:])

        def ishape_normal(self, ind: int = 0) -> tuple[int, ...]:
            assert ind == 0
            return self._shape("ishape_normal")

        def execute(self, values):
            assert values.shape == self.ishape_normal()
            types = [finn_type(self.shapes[key][0].split("'")[1]) for key in ("idt", "odt")]
            packed = packing.finnpy_to_packed_bytearray(values.reshape(self._shape("ishape_folded")), types[0], **FLIPS)
            assert packed.shape == self._shape("ishape_packed")
            made = hardware(packed.reshape(-1), int(np.prod(self._shape("oshape_packed")))).reshape(self._shape("oshape_packed"))
            folded = packing.packed_bytearray_to_finnpy(made, types[1], self._shape("oshape_folded"), **FLIPS)
            return folded.reshape(self._shape("oshape_normal"))

    return FINNDMAOverlay


@pytest.fixture
def finn_deployed(build, tmp_path):
    """The folders of FINN+'s deployment package, with settings that were made from the build."""
    for name in ("bitfile", "driver"):
        (tmp_path / "finn" / name).mkdir(parents=True)
    (tmp_path / "finn" / "bitfile" / "finn-accel.bit").write_text("made by Vivado")
    (tmp_path / "finn" / "driver" / "settings.json").write_text(json.dumps(finn_settings(build, 100.0)))
    return tmp_path / "finn"


@pytest.fixture
def install(monkeypatch):
    def put(hardware):
        module = ModuleType("finn_plus_driver")
        drivers = {"FINNDMAOverlay": overlay(hardware)}

        def get_driver_class(name: str):
            if name not in drivers:
                raise ValueError(f"Unknown driver type '{name}'. Known types: {sorted(drivers)}")
            return drivers[name]

        module.get_driver_class = get_driver_class
        monkeypatch.setitem(sys.modules, "finn_plus_driver", module)

    return put


def integers(build, images):
    (name,) = build.graph.inputs
    return execute(build.graph, {name: images.astype(np.int64)})[build.graph.outputs[0]]


@pytest.mark.verilator
def test_a_finn_deployment_gives_the_interpreters_logits(build, images, fabric, finn_deployed, install, monkeypatch) -> None:
    install(fabric)
    monkeypatch.setattr("xnorflow.sim.pynq.finn._BATCH", 4)
    logits = Accelerator.open(finn_deployed, "pynq").infer(images)
    np.testing.assert_array_equal(logits, build.tail.apply(integers(build, images)))
    assert [sent // source_format(build.graph).kind.size for sent, _ in fabric.calls] == [4, 4, 3]


def test_settings_of_finn_alone_give_the_hardwares_integers(build, images, finn_deployed, install) -> None:
    made = sink_format(build.graph).pack(integers(build, images)).reshape(-1)
    install(lambda sent, wanted: made[:wanted])
    path = finn_deployed / "driver" / "settings.json"
    record = json.loads(path.read_text())
    del record["xnorflow"]
    path.write_text(json.dumps(record))
    np.testing.assert_array_equal(Accelerator.open(finn_deployed, "pynq").infer(images), integers(build, images).astype(np.float32))


def test_deploy_completes_what_finn_wrote(build, images, finn_deployed, install) -> None:
    path = finn_deployed / "driver" / "settings.json"
    own = json.loads(path.read_text())
    del own["xnorflow"]
    path.write_text(json.dumps(own))
    result = CliRunner().invoke(app, ["deploy", str(build.folder), str(finn_deployed), "--json"])
    assert (result.exit_code, json.loads(result.stdout)["settings"]) == (0, str(path))
    completed = json.loads(path.read_text())
    assert {key: completed[key] for key in own} == own
    assert (finn_deployed / "run.py").is_file()
    made = sink_format(build.graph).pack(integers(build, images)).reshape(-1)
    install(lambda sent, wanted: made[:wanted])
    np.testing.assert_array_equal(Accelerator.open(finn_deployed, "pynq").infer(images), build.tail.apply(integers(build, images)))


def test_deploy_refuses_another_network_and_leaves_the_settings_alone(build, finn_deployed) -> None:
    path = finn_deployed / "driver" / "settings.json"
    record = json.loads(path.read_text())
    record["driver_information"]["io_shape_dict"]["odt"] = ["DataType['INT5']"]
    before = json.dumps(record)
    path.write_text(before)
    with pytest.raises(BadInputError, match=r"is of another network than .*: input and output are .*INT5.*, those of the build .*INT9"):
        complete_deployment(finn_deployed, build.folder)
    assert path.read_text() == before
    assert not (finn_deployed / "run.py").exists()
    path.write_text("{}")
    with pytest.raises(BadInputError, match=r"is no settings file of FINN\+ \(KeyError: 'driver_information'\)"):
        complete_deployment(finn_deployed, build.folder)


def test_a_network_that_finn_gave_vectors_takes_images_all_the_same(build, images, finn_deployed, install) -> None:
    path = finn_deployed / "driver" / "settings.json"
    record = json.loads(path.read_text())
    record["driver_information"]["io_shape_dict"]["ishape_normal"] = [[1, 210]]
    path.write_text(json.dumps(record))
    made = sink_format(build.graph).pack(integers(build, images)).reshape(-1)
    install(lambda sent, wanted: made[:wanted])
    assert Accelerator.open(finn_deployed, "pynq").kind.shape == (7, 10, 3)
    np.testing.assert_array_equal(Accelerator.open(finn_deployed, "pynq").infer(images), build.tail.apply(integers(build, images)))
    record["xnorflow"]["shape"] = [7, 10, 1]
    path.write_text(json.dumps(record))
    with pytest.raises(BadInputError, match=r"is damaged: ValueError: images of \(7, 10, 1\) for an input of \(210,\)"):
        Accelerator.open(finn_deployed, "pynq")


def test_weights_lie_beside_the_settings_whatever_the_working_directory(finn_deployed, install, monkeypatch) -> None:
    install(lambda sent, wanted: sent)
    opened = []
    real = sys.modules["finn_plus_driver"].get_driver_class
    monkeypatch.setattr(sys.modules["finn_plus_driver"], "get_driver_class", lambda n: lambda *a, **k: opened.append(real(n)(*a, **k)) or opened[-1])
    Accelerator.open(finn_deployed, "pynq")
    assert opened[0].bitfile == str(finn_deployed / "bitfile" / "finn-accel.bit")
    assert opened[0].more["runtime_weight_dir"] == str(finn_deployed / "driver" / "runtime_weights")
    assert opened[0].more["mlo_weight_dir"] == str(finn_deployed / "driver" / "mlo_weights")


def test_what_cannot_be_opened_is_named(finn_deployed, install, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "finn_plus_driver", None)
    with pytest.raises(MissingToolError, match=r"^a FINN\+ deployment needs the packages finn-plus-driver and pynq on the board"):
        Accelerator.open(finn_deployed, "pynq")
    install(lambda sent, wanted: sent)
    path = finn_deployed / "driver" / "settings.json"
    record = json.loads(path.read_text())

    def refused(change, shapes=None) -> str:
        information = {**record["driver_information"], **change}
        information["io_shape_dict"] = {**information["io_shape_dict"], **(shapes or {})}
        path.write_text(json.dumps({**record, "driver_information": information}))
        with pytest.raises(BadInputError) as error:
            Accelerator.open(finn_deployed, "pynq")
        return str(error.value)

    assert "FINN+ driver 'Other' is unknown to finn-plus-driver: Unknown driver type 'Other'" in refused({"driver_type": "Other"})
    assert "has 2 inputs and 1 outputs; one of each is accepted" in refused({}, {"num_inputs": 2})
    assert "settings.json is damaged: BadInputError: stream type 'FLOAT32' is unknown" in refused({}, {"idt": ["DataType['FLOAT32']"]})
    (finn_deployed / "second.bit").write_text("")
    assert "has 2 bitstreams, in it and in bitfile/; exactly one is accepted" in refused({})


@pytest.mark.parametrize("name", ["BIPOLAR", "UINT1", "UINT3", "INT5", "UINT8", "INT9", "UINT16", "INT24"])
def test_finns_packing_is_ours(name: str) -> None:
    kind, lanes = IntType.parse(name), 5

    beats = BeatFormat(StreamType((2, 2, 2 * lanes), kind), lanes)
    rng = np.random.default_rng(1)
    values = rng.integers(kind.minimum, kind.maximum, (3, 2, 2, 2 * lanes), endpoint=True)
    values = np.where(values == 0, 1, values) if kind.bipolar else values
    folded = values.reshape(3, beats.beats, lanes).astype(np.float32)
    finns = packing.finnpy_to_packed_bytearray(folded, finn_type("BINARY" if name == "UINT1" else name), **FLIPS)
    np.testing.assert_array_equal(finns, beats.pack(values))
