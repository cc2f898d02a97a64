// xf_count_2: half adder, a part of popcounts in standard cells.
//
// Contract: count_o is the number of ones in data_i; combinational.
// Cost: an XOR and an AND, which the tools map as they like.
`default_nettype none

module xf_count_2 (
  input  wire logic [1:0] data_i,
  output logic      [1:0] count_o
);

  assign count_o = {data_i[1] & data_i[0], data_i[1] ^ data_i[0]};

endmodule

`default_nettype wire
