// AXI4-Stream slave port of a network: drops the padding of a beat and ignores TLAST.
//
// Contract: a beat carries Width bits at the LSBs of TDATA; what lies above is ignored, and so is TLAST, because every
// frame has a fixed number of beats. Wires only: latency 0, initiation interval 1, no hardware.
`default_nettype none

module xf_axis_in #(
    parameter int Width     = 1,
    parameter int ByteWidth = 8
) (
    input  wire                  s_axis_tvalid_i,
    output wire                  s_axis_tready_o,
    input  wire  [ByteWidth-1:0] s_axis_tdata_i,
    input  wire                  s_axis_tlast_i,
    output wire                  out_valid_o,
    input  wire                  out_ready_i,
    output wire  [    Width-1:0] out_data_o
);

  wire unused_padding;

  assign unused_padding  = ^{s_axis_tlast_i, s_axis_tdata_i};
  assign out_valid_o     = s_axis_tvalid_i;
  assign s_axis_tready_o = out_ready_i;
  assign out_data_o      = s_axis_tdata_i[Width-1:0];

endmodule

`default_nettype wire
