// xf_popcount: number of ones.
//
// Contract: count_o = sum of the bits of data_i; combinational. The loop is what simulators run fastest; with XF_XC7 or
// XF_ASIC defined a generated tree of counters or adders (hw/popcount) stands in its place.
// Cost (xc7): 8, 16, 33, 65 and 130 LUTs at 16, 32, 64, 128 and 256 bits; the loop takes about 1.1 LUT a bit.
`default_nettype none

module xf_popcount #(
  parameter integer Width = 1,
  localparam integer CountBits = $clog2(Width + 1)
) (
  input  wire logic [Width-1:0]     data_i,
  output logic      [CountBits-1:0] count_o
);

  xf_require #(.Ok(Width >= 1), .Message("xf_popcount: Width must be at least 1")) u_require_width ();

`ifdef XF_XC7
  xf_popcount_tree #(.Width(Width)) u_tree (.data_i, .count_o);
`elsif XF_ASIC
  xf_popcount_tree #(.Width(Width)) u_tree (.data_i, .count_o);
`else
  always_comb begin
    count_o = CountBits'(0);
    for (int i = 0; i < Width; i++) count_o = count_o + CountBits'(data_i[i]);
  end
`endif

endmodule

`default_nettype wire
