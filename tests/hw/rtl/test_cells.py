"""Every cell against its node: values, cycles, stalls, resets in mid-frame (the bench is xnorflow.sim.bench)."""

import random
import shutil

import pytest

from xnorflow.errors import CheckFailedError
from xnorflow.sim.bench.cells import check_cells
from xnorflow.sim.bench.matrix import MATRIX, cell_cases

SEED = 1


@pytest.mark.icarus
@pytest.mark.parametrize("cell", MATRIX)
def test_cell_equals_its_node_and_its_timing_in_icarus(cell, icarus, tmp_path):
    check_cells(cell_cases(cell, SEED), "icarus", tmp_path, SEED)


@pytest.mark.icarus
def test_cells_equal_their_nodes_for_a_fresh_seed_in_icarus(icarus, tmp_path):
    seed = random.SystemRandom().randrange(1 << 30)
    print(f"replay with seed {seed}")
    cases = [case for cell in MATRIX for case in cell_cases(cell, seed)[-3:]]
    check_cells(cases, "icarus", tmp_path, seed)


@pytest.mark.verilator
def test_cells_equal_their_nodes_and_their_timing_in_verilator(tmp_path):
    cases = [case for cell in MATRIX for case in cell_cases(cell, SEED)[::3]]
    check_cells(cases, "verilator", tmp_path, SEED)


MUTANTS = [
    ("xf_xnor_count", "data_i ~^ weight_i;", "data_i ^ weight_i;", "beat 0 is"),
    ("xf_matvec_xnor", "(Sf >= 2) ? 2 : 4", "(Sf >= 2) ? 2 : 3", "cycle"),
    ("xf_matvec_xnor", "!acc[AccBits-1]", "acc[AccBits-1]", "beat 0 is"),
    ("xf_matvec_init", "addr_q <= AddrBits'(Words - 1)", "addr_q <= AddrBits'(0)", "beat"),
    ("xf_matvec_int", "valid2_q && last2_q", "valid2_q && last1_q", "beat 0 is"),
    ("xf_fifo", "if (load) out_data_o", "if (out_ready_i) out_data_o", "beat"),
    ("xf_fifo", "fresh_q ? written_q : word_q", "word_q", "beat"),
    ("xf_fifo", "word_q <= ring[read_d]", "word_q <= ring[read_q]", "beat"),
    ("xf_fifo", "if (load) out_valid_o", "if (1'b1) out_valid_o", "valid fell"),
    ("xf_sliding_window", "write_pos_q > pos", "write_pos_q >= pos", "beat"),
    ("xf_sliding_window", "ahead_q     <= AheadBits'(0);", "", "undefined after reset"),
    ("xf_threshold", "wide >=", "wide >", "beat"),
    ("xf_argmax", "top_q > best_q", "top_q >= best_q", "beat"),
    ("xf_sum_pool", "tap_q == TapBits'(0)) ?", "1'b0) ?", "beat"),
    ("xf_fork", "in_valid_i && in_ready_o", "in_valid_i", "beat"),
    ("xf_add", "assign out_valid_o = &have", "assign out_valid_o = |have", "beat"),
    ("xf_multiply", "(&have) && room", "(|have) && room", "beat"),
    ("xf_product", ".Depth(3)) u_queue", ".Depth(2)) u_queue", "cycle"),
    ("xf_channel_gate", "have && room", "room", "beat"),
    ("xf_replay", "whole_q != WholeBits'(Vectors)", "1'b1", "beat"),
    ("xf_replay", "go_i || (EachStep == 0 && !last_o)", "go_i || !last_o", "claim without a credit"),
    ("xf_concat", "second_q || (&have)", "second_q || (|have)", "beat"),
    ("xf_concat", "if (last) second_q", "if (1'b1) second_q", "beat"),
    ("xf_saturate", "!(&dropped)", "(&dropped)", "beat"),
    ("xf_affine", "compared < knee", "compared <= knee", "beat"),
    ("xf_affine", ".Depth(4)) u_queue", ".Depth(3)) u_queue", "cycle"),
    ("xf_pad", "row_q <= RowBits'(Top + Height)", "row_q < RowBits'(Top + Height)", "beat"),
    ("xf_max_pool", "InKind == 1", "InKind == 0", "beat"),
    ("xf_width_converter", "assign in_ready_o = !(last && out_valid_o)", "assign in_ready_o = !last || out_ready_i", "without a register"),
]


PART_OF = {
    "xf_product": "xf_multiply",
    "xf_replay": "xf_channel_gate",
    "xf_saturate": "xf_affine",
    "xf_xnor_count": "xf_matvec_xnor",
    "xf_matvec_init": "xf_matvec_xnor",
}


@pytest.mark.icarus
@pytest.mark.parametrize(("cell", "old", "new", "complaint"), MUTANTS, ids=[f"{m[0]}-{i}" for i, m in enumerate(MUTANTS)])
def test_the_bench_notices_a_fault(cell, old, new, complaint, icarus, library, tmp_path):
    faulty = tmp_path / "rtl"
    shutil.copytree(library, faulty)
    source = (faulty / f"{cell}.sv").read_text()
    assert source.count(old) >= 1
    (faulty / f"{cell}.sv").write_text(source.replace(old, new))
    with pytest.raises(CheckFailedError, match=complaint):
        check_cells(cell_cases(PART_OF.get(cell, cell), SEED), "icarus", tmp_path / "work", SEED, library=faulty)
