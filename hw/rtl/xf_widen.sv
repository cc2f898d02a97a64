// xf_widen: a stream element as a signed number with one bit more.
//
// Contract: value_o is data_i read as Kind says: 0 unsigned, 1 two's complement, 2 bipolar (bit 0 is -1); combinational,
// wires only (one inverter where bipolar).
`default_nettype none

module xf_widen #(
  parameter integer Bits = 1,
  parameter integer Kind = 0
) (
  input  wire logic        [Bits-1:0] data_i,
  output logic signed      [Bits:0]   value_o
);

  xf_require #(
    .Ok(Bits >= 1 && Kind >= 0 && Kind <= 2 && (Kind != 2 || Bits == 1)),
    .Message("xf_widen: Kind must be 0, 1 or 2, and 2 only for one bit")
  ) u_require_kind ();

  if (Kind == 2) begin : gen_bipolar
    assign value_o = {!data_i[0], 1'b1};
  end else if (Kind == 1) begin : gen_signed
    assign value_o = {data_i[Bits-1], data_i};
  end else begin : gen_unsigned
    assign value_o = {1'b0, data_i};
  end

endmodule

`default_nettype wire
