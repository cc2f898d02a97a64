// xf_count_rows: sum of three numbers, the end of popcounts.
//
// Contract: sum_o = a_i + b_i + c_i, all unsigned, modulo 2**SumBits; SumBits is Width to Width + 2; combinational. With
// XF_XC7 defined it stands on a carry chain of that family; the test of hw/popcount proves the two bodies equal.
// Formula (xc7): bit i of the chain adds the parity of bit i of the three and the majority of bit i - 1.
// Cost (xc7): Width LUT6_2, a CARRY4 for each four bits; two additions by operators cost three LUTs a bit.
`default_nettype none

module xf_count_rows #(
  parameter integer Width = 1,
  parameter integer SumBits = 1
) (
  input  wire logic [Width-1:0]   a_i,
  input  wire logic [Width-1:0]   b_i,
  input  wire logic [Width-1:0]   c_i,
  output logic      [SumBits-1:0] sum_o
);

  xf_require #(
    .Ok(Width >= 1 && SumBits >= Width && SumBits <= Width + 2),
    .Message("xf_count_rows: SumBits must be Width to Width + 2")
  ) u_require_widths ();

`ifdef XF_XC7
  localparam integer Chains = (SumBits + 3) / 4;
  logic [Width-1:0]    majority;
  logic [Width-1:0]    parity;
  logic [4*Chains-1:0] below;
  logic [4*Chains-1:0] step;
  logic [4*Chains-1:0] addend;
  logic [4*Chains-1:0] sum;
  logic [4*Chains-1:0] carry;

  assign below = (4 * Chains)'({majority, 1'b0});
  assign sum_o = sum[SumBits-1:0];

  for (genvar i = 0; i < 4 * Chains; i++) begin : gen_bit
    if (i < Width) begin : gen_rows
      LUT6_2 #(.INIT(64'h69966996e8e8e8e8)) u_lut (
        .I0(a_i[i]), .I1(b_i[i]), .I2(c_i[i]), .I3(below[i]), .I4(1'b0), .I5(1'b1), .O5(majority[i]), .O6(parity[i])
      );
      assign step[i]   = parity[i];
      assign addend[i] = below[i];
    end else begin : gen_above
      assign step[i]   = (i == Width) ? below[i] : 1'b0;
      assign addend[i] = 1'b0;
    end
  end

  for (genvar k = 0; k < Chains; k++) begin : gen_chain
    logic in;
    if (k == 0) begin : gen_first
      assign in = 1'b0;
    end else begin : gen_next
      assign in = carry[4*k-1];
    end
    CARRY4 u_carry (
      .CI(in), .CYINIT(1'b0), .DI(addend[4*k+:4]), .S(step[4*k+:4]), .O(sum[4*k+:4]), .CO(carry[4*k+:4])
    );
  end
`else
  assign sum_o = SumBits'(a_i) + SumBits'(b_i) + SumBits'(c_i);
`endif

endmodule

`default_nettype wire
