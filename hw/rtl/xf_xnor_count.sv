// xf_xnor_count: number of places where two vectors are equal.
//
// Contract: count_o = sum over k of data_i[k] ~^ weight_i[k]; combinational. Constant says that weight_i is a constant, so
// that the XNORs are inverters at most. With XF_XC7 defined, a generated tree of counters (hw/popcount) takes the XNORs in.
// Cost (xc7): 12, 26, 54, 106 and 208 LUTs at 16, 32, 64, 128 and 256 places; docs/lean-cells.md has what else was tried.
`default_nettype none

module xf_xnor_count #(
  parameter integer Width = 1,
  parameter integer Constant = 0,
  localparam integer CountBits = $clog2(Width + 1)
) (
  input  wire logic [Width-1:0]     data_i,
  input  wire logic [Width-1:0]     weight_i,
  output logic      [CountBits-1:0] count_o
);

`ifdef XF_XC7
  localparam integer Trees = 1;
`else
  localparam integer Trees = 0;
`endif

  if (Trees == 1 && Constant == 0) begin : gen_tree
`ifdef XF_XC7
    xf_xnor_tree #(.Width(Width)) u_tree (.data_i, .weight_i, .count_o);
`endif
  end else begin : gen_popcount
    logic [Width-1:0] equal;
    assign equal = data_i ~^ weight_i;
    xf_popcount #(.Width(Width)) u_popcount (.data_i(equal), .count_o);
  end

endmodule

`default_nettype wire
