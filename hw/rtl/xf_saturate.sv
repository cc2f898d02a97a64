// xf_saturate: a signed number without its lowest bits, to a narrower type, held at the type's ends.
//
// Contract: value_o is data_i >>> Shift (towards minus infinity), limited to the values of OutBits bits:
// 0 .. 2**OutBits - 1 where OutKind is 0 (unsigned), -2**(OutBits-1) .. 2**(OutBits-1) - 1 where it is 1 (two's
// complement). Combinational.
// Cost: an AND and an OR of the bits that are dropped and OutBits multiplexers; wires where every value fits.
`default_nettype none

module xf_saturate #(
  parameter integer Bits = 1,
  parameter integer Shift = 0,
  parameter integer OutBits = 1,
  parameter integer OutKind = 1
) (
  input  wire logic signed [Bits-1:0]    data_i,
  output logic             [OutBits-1:0] value_o
);

  xf_require #(
    .Ok(Bits >= 1 && Shift >= 0 && OutBits >= 1 && OutKind >= 0 && OutKind <= 1),
    .Message("xf_saturate: Bits and OutBits must be at least 1, Shift at least 0, OutKind 0 or 1")
  ) u_require_kind ();

  localparam integer Width = (Bits > Shift) ? Bits - Shift : 1;

  logic signed [Width-1:0] shifted;

  if (Bits > Shift) begin : gen_shift
    assign shifted = data_i[Bits-1:Shift];
    if (Shift > 0) begin : gen_fraction
      logic unused;
      assign unused = &{1'b0, data_i[Shift-1:0]};
    end
  end else begin : gen_sign
    assign shifted = data_i[Bits-1];
    logic unused;
    assign unused = &{1'b0, data_i};
  end

  // Bits of the value below its sign that the output can hold.
  localparam integer Kept = (OutKind == 1) ? OutBits - 1 : OutBits;

  logic negative;
  assign negative = shifted[Width-1];

  if (Width - 1 > Kept) begin : gen_limit
    logic [Width-2-Kept:0] dropped;
    logic                 over;
    logic                 under;
    assign dropped = shifted[Width-2:Kept];
    assign over    = !negative && (|dropped);
    if (OutKind == 0) begin : gen_unsigned
      assign under   = negative;
      assign value_o = under ? OutBits'(0) : (over ? {OutBits{1'b1}} : shifted[OutBits-1:0]);
    end else if (OutBits == 1) begin : gen_one_bit
      assign under   = negative && !(&dropped);
      assign value_o = negative;
      logic unused;
      assign unused = &{1'b0, over, under, shifted};
    end else begin : gen_signed
      assign under   = negative && !(&dropped);
      assign value_o = (over || under) ? {negative, {(OutBits - 1) {!negative}}} : {negative, shifted[OutBits-2:0]};
    end
  end else if (OutKind == 0) begin : gen_floor
    // A negative number becomes 0; every other one fits.
    if (Width == 1) begin : gen_sign_alone
      assign value_o = OutBits'(0);
      logic unused;
      assign unused = &{1'b0, negative};
    end else begin : gen_value
      assign value_o = negative ? OutBits'(0) : OutBits'(shifted[Width-2:0]);
    end
  end else begin : gen_extend
    assign value_o = OutBits'(shifted);
    logic unused;
    assign unused = &{1'b0, negative};
  end

endmodule

`default_nettype wire
