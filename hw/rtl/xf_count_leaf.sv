// xf_count_leaf: two binary products and one bit counted, the first level of XNOR-popcounts.
//
// Contract: count_o is the number of ones among data_i[0] ~^ weight_i[0], data_i[1] ~^ weight_i[1] and bit_i; combinational.
// With XF_XC7 defined it is a primitive of that family; the test of hw/popcount proves the two bodies equal.
// Cost (xc7): 1 LUT6_2; the XNORs are free, for a full adder leaves two of the five inputs of such a LUT unused.
`default_nettype none

module xf_count_leaf (
  input  wire logic [1:0] data_i,
  input  wire logic [1:0] weight_i,
  input  wire logic       bit_i,
  output logic      [1:0] count_o
);

`ifdef XF_XC7
  LUT6_2 #(.INIT(64'h96696996f99f9009)) u_lut (
    .I0(data_i[0]), .I1(weight_i[0]), .I2(data_i[1]), .I3(weight_i[1]), .I4(bit_i), .I5(1'b1), .O5(count_o[1]), .O6(count_o[0])
  );
`else
  logic [1:0] equal;
  assign equal   = data_i ~^ weight_i;
  assign count_o = 2'(equal[0]) + 2'(equal[1]) + 2'(bit_i);
`endif

endmodule

`default_nettype wire
