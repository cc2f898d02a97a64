// xf_check_stream: the rules of a valid/ready stream as assertions, for simulation and formal proofs.
//
// Contract: once valid_i is high outside of reset it stays high, and data_i keeps its value, until ready_i is high at a
// rising edge. Cells instantiate it on their output under `ifdef XF_CHECK_STREAMS; it drives nothing.
`default_nettype none

module xf_check_stream #(
  parameter integer Width = 1
) (
  input wire logic             clk_i,
  input wire logic             rst_ni,
  input wire logic             valid_i,
  input wire logic             ready_i,
  input wire logic [Width-1:0] data_i
);

  logic             waiting_q;
  logic [Width-1:0] data_q;

  initial waiting_q = 1'b0;

  always_ff @(posedge clk_i) begin
    waiting_q <= rst_ni && valid_i && !ready_i;
    data_q    <= data_i;
  end

`ifdef FORMAL
  always_ff @(posedge clk_i) begin
    if (rst_ni && waiting_q) begin
      assert (valid_i);
      assert (data_i == data_q);
    end
  end
`else
  always @(posedge clk_i) begin
    if (rst_ni && waiting_q) begin
      if (!valid_i) $fatal(1, "%m: valid fell before the beat was taken");
      if (data_i !== data_q) $fatal(1, "%m: data changed before the beat was taken");
    end
  end
`endif

endmodule

`default_nettype wire
