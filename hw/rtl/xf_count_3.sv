// xf_count_3: full adder, a part of popcounts.
//
// Contract: count_o is the number of ones in data_i; combinational. With XF_XC7 defined it is a primitive of that family, which
// no tool restructures; the test of hw/popcount proves the two bodies equal.
// Cost (xc7): 1 LUT6_2.
`default_nettype none

module xf_count_3 (
  input  wire logic [2:0] data_i,
  output logic      [1:0] count_o
);

`ifdef XF_XC7
  LUT6_2 #(.INIT(64'h96969696e8e8e8e8)) u_lut (
    .I0(data_i[0]), .I1(data_i[1]), .I2(data_i[2]), .I3(1'b0), .I4(1'b0), .I5(1'b1), .O5(count_o[1]), .O6(count_o[0])
  );
`else
  assign count_o = 2'(data_i[0]) + 2'(data_i[1]) + 2'(data_i[2]);
`endif

endmodule

`default_nettype wire
