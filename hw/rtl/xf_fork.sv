// xf_fork: one stream to Outputs readers, each of which takes its beats when it can.
//
// Contract: bit i of out_valid_o and out_ready_i and word i of out_data_o are output i; every output carries every beat of
// the input, in order. A beat is taken when all outputs have room for it; two fit in each. in_ready_o depends on registers
// only.
// Latency 1 cycle, interval one cycle a beat.
// Cost: a two-beat FIFO an output.
`default_nettype none

module xf_fork #(
  parameter integer Width = 1,
  parameter integer Outputs = 2
) (
  input  wire logic                     clk_i,
  input  wire logic                     rst_ni,
  input  wire logic                     in_valid_i,
  output logic                          in_ready_o,
  input  wire logic [Width-1:0]         in_data_i,
  output logic      [Outputs-1:0]       out_valid_o,
  input  wire logic [Outputs-1:0]       out_ready_i,
  output logic      [Outputs*Width-1:0] out_data_o
);

  xf_require #(.Ok(Outputs >= 2), .Message("xf_fork: Outputs must be at least 2")) u_require_outputs ();

  logic [Outputs-1:0] room;

  assign in_ready_o = &room;

  for (genvar i = 0; i < Outputs; i++) begin : gen_output
    xf_fifo #(.Width(Width), .Depth(2)) u_fifo (
      .clk_i,
      .rst_ni,
      .in_valid_i (in_valid_i && in_ready_o),
      .in_ready_o (room[i]),
      .in_data_i,
      .out_valid_o(out_valid_o[i]),
      .out_ready_i(out_ready_i[i]),
      .out_data_o (out_data_o[i*Width+:Width])
    );
  end

endmodule

`default_nettype wire
