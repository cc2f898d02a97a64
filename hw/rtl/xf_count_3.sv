// xf_count_3: full adder, a part of popcounts.
//
// Contract: count_o is the number of ones in data_i; combinational. With XF_XC7 defined it is a primitive of that family, which
// no tool restructures; the test of hw/popcount proves the two bodies equal. With XF_FULL_ADDER defined it is the full adder of a
// library of standard cells, in the module xf_full_adder that the synthesis writes (hw/synth).
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
`elsif XF_FULL_ADDER
  xf_full_adder u_cell (.a_i(data_i[0]), .b_i(data_i[1]), .c_i(data_i[2]), .sum_o(count_o[0]), .carry_o(count_o[1]));
`else
  assign count_o = 2'(data_i[0]) + 2'(data_i[1]) + 2'(data_i[2]);
`endif

endmodule

`default_nettype wire
