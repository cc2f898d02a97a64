from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from xnorflow.errors import CheckFailedError
from xnorflow.hw.graph import StreamType
from xnorflow.hw.types import IntType
from xnorflow.sim.engine.model import CompiledModel, compile_model
from xnorflow.sim.engine.session import SessionRequest, SessionResult, Step, proof_steps, run_session
from xnorflow.sim.engine.wrapper import ProbeNets, Top
from xnorflow.sim.packing import BeatFormat

pytestmark = pytest.mark.verilator
RTL = Path(__file__).parent / "rtl" / "hand_top.sv"
FORMAT = BeatFormat(StreamType((2, 2, 2), IntType(8, signed=False)), 2)
FAULTS = range(9)


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("build")
    (folder / "mem").mkdir()
    (folder / "mem" / "hand_top_add_value.mem").write_text("07\n")
    for fault in FAULTS:
        text = RTL.read_text().replace("module hand_top", f"module top{fault}").replace("Fault = 0", f"Fault = {fault}")
        (folder / f"top{fault}.sv").write_text(text)
    return folder


@pytest.fixture(scope="module")
def model(build: Path) -> CompiledModel:
    probe = ProbeNets("register", "full_q", "m_axis_tready", "data_q", 16)
    tops = tuple(Top(f"top{fault}", 2, 2, (probe,) if fault == 0 else ()) for fault in FAULTS)
    return compile_model([build / f"top{fault}.sv" for fault in FAULTS], tops, build / "sim")


def images(count: int) -> np.ndarray:
    return np.random.default_rng(5).integers(0, 256, (count, 2, 2, 2), dtype=np.int64)


def play(model: CompiledModel, folder: Path, count: int, *, top: str = "top0", **options: object) -> SessionResult:
    settings: dict[str, object] = {"steps": proof_steps(count, FORMAT.beats), "patience": 1000} | options
    return run_session(SessionRequest(model, top, folder, FORMAT, FORMAT, **settings), FORMAT.pack(images(count)))  # type: ignore[arg-type]


@pytest.mark.parametrize("stalls", [False, True])
def test_frames_come_back_in_order_before_and_after_a_reset_in_mid_frame(model: CompiledModel, build: Path, stalls: bool) -> None:
    result = play(model, build, 40, stalls=stalls, seed=3)
    assert result.fault is None
    wanted = (images(40) + 7) % 256
    np.testing.assert_array_equal(FORMAT.unpack(result.outputs[0]), wanted[:20])
    np.testing.assert_array_equal(FORMAT.unpack(result.outputs[1]), wanted)


def test_cycles_of_an_unstalled_run_are_exact(model: CompiledModel, build: Path) -> None:
    result = play(model, build, 10)
    np.testing.assert_array_equal(result.done[1], 4 * np.arange(1, 11))


def test_the_same_seed_stalls_alike_and_another_seed_otherwise(model: CompiledModel, build: Path) -> None:
    runs = [play(model, build, 40, stalls=True, seed=seed).done[1].tolist() for seed in (1, 1, 2)]
    assert runs[0] == runs[1] != runs[2]


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        (1, "raised m_axis_tvalid only when it saw m_axis_tready"),
        (2, "changed m_axis_tdata of a stalled beat"),
        (3, "missed m_axis_tlast at the end of a frame"),
        (4, "is stuck: no beat for 1000 cycles; beat 3 of frame 1 at the output, after 7 of"),
        (6, "made a beat that no input asked for"),
        (8, "dropped m_axis_tvalid before the beat was taken"),
        (7, "m_axis_tvalid is high in reset"),
    ],
)
def test_a_broken_rule_is_named(model: CompiledModel, build: Path, fault: int, text: str) -> None:
    result = play(model, build, 5, top=f"top{fault}", stalls=fault in (1, 2, 8), steps=(Step("reset"), Step("stream", 0, 5)))
    assert result.fault is not None
    assert text in result.fault


def test_a_slower_top_shows_in_the_cycles(model: CompiledModel, build: Path) -> None:
    np.testing.assert_array_equal(np.diff(play(model, build, 10, top="top5").done[1]), np.full(9, 8))


def test_probes_record_every_beat_of_an_internal_stream(model: CompiledModel, build: Path, tmp_path: Path) -> None:
    result = play(model, build, 3, steps=(Step("reset"), Step("stream", 0, 3)), probes=tmp_path, stalls=True)
    recorded = np.fromfile(tmp_path / "register.bin", dtype=np.uint8)
    np.testing.assert_array_equal(recorded, result.outputs[0].reshape(-1))


def test_a_missing_memory_image_ends_the_run_with_a_message(model: CompiledModel, tmp_path: Path) -> None:
    with pytest.raises(CheckFailedError, match=r"^the simulation complains: %Warning: mem/hand_top_add_value.mem.*not found"):
        play(model, tmp_path, 2)


def test_a_model_is_compiled_once(build: Path, model: CompiledModel) -> None:
    said: list[str] = []
    again = compile_model([build / f"top{fault}.sv" for fault in FAULTS], model.tops, build / "sim", progress=said.append)
    assert (again.executable, said) == (model.executable, [])


def test_sources_that_do_not_compile_are_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "bad.sv").write_text("module bad (input wire ap_clk; endmodule\n")
    with pytest.raises(CheckFailedError, match=r"^verilator failed: %Error: .*syntax error") as caught:
        compile_model([tmp_path / "bad.sv"], (Top("bad", 1, 1),), tmp_path / "sim")
    assert "\n" not in str(caught.value)
    assert list((tmp_path / "sim").iterdir()) == []


def test_the_steps_of_a_proof_interrupt_a_frame_and_stream_all_again() -> None:
    assert proof_steps(10, 7) == (Step("reset"), Step("stream", 0, 5), Step("interrupt", 5, 25), Step("reset"), Step("stream", 0, 10))
    assert proof_steps(2, 7)[2] == Step("interrupt", 1, 4)
