// xf_count_7: 7:3 counter, a part of popcounts.
//
// Contract: count_o is the number of ones in data_i; combinational. With XF_XC7 defined it stands on a carry chain of that
// family; the test of hw/popcount proves the two bodies equal.
// Formula (xc7): bit 6 is the carry in. Stage 0 adds the parity of bits 0 to 5; where that is 0, bit 5 equals the parity of
// bits 0 to 4 and goes into the carry. Stage 1 adds half of the count of bits 0 to 4 (rounded down): 0, 1 (propagate) or 2.
// Cost (xc7): 1 LUT6, 1 LUT6_2, half a CARRY4: four bits less for two LUTs, where full adders take one bit a LUT.
`default_nettype none

module xf_count_7 (
  input  wire logic [6:0] data_i,
  output logic      [2:0] count_o
);

`ifdef XF_XC7
  logic       parity;
  logic       one_pair;
  logic       two_pairs;
  logic [3:0] sum;
  logic [3:0] carry;

  LUT6 #(.INIT(64'h6996966996696996)) u_parity (
    .I0(data_i[0]), .I1(data_i[1]), .I2(data_i[2]), .I3(data_i[3]), .I4(data_i[4]), .I5(data_i[5]), .O(parity)
  );
  LUT6_2 #(.INIT(64'h177e7ee8e8808000)) u_pairs (
    .I0(data_i[0]), .I1(data_i[1]), .I2(data_i[2]), .I3(data_i[3]), .I4(data_i[4]), .I5(1'b1), .O5(two_pairs), .O6(one_pair)
  );
  CARRY4 u_carry (
    .CI(1'b0), .CYINIT(data_i[6]), .DI({2'b00, two_pairs, data_i[5]}), .S({2'b00, one_pair, parity}), .O(sum), .CO(carry)
  );
  assign count_o = {carry[1], sum[1:0]};
`else
  always_comb begin
    count_o = 3'd0;
    for (int i = 0; i < 7; i++) count_o = count_o + 3'(data_i[i]);
  end
`endif

endmodule

`default_nettype wire
