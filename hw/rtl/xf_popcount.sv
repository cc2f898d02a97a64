// xf_popcount: number of ones.
//
// Contract: count_o = sum of the bits of data_i; combinational. The loop is what simulators run fastest.
// Cost (Yosys, xc7): about 1.1 LUT a bit.
`default_nettype none

module xf_popcount #(
  parameter integer Width = 1,
  localparam integer CountBits = $clog2(Width + 1)
) (
  input  wire logic [Width-1:0]     data_i,
  output logic      [CountBits-1:0] count_o
);

  xf_require #(.Ok(Width >= 1), .Message("xf_popcount: Width must be at least 1")) u_require_width ();

  always_comb begin
    count_o = CountBits'(0);
    for (int i = 0; i < Width; i++) count_o = count_o + CountBits'(data_i[i]);
  end

endmodule

`default_nettype wire
