// xf_multiply: the product of two streams, element by element, shifted and held at the ends of the output's type.
//
// Contract: input 0 (a: bit 0 of in_valid_i and in_ready_o, the lower Lanes*ABits bits of in_data_i) and input 1 (b: above
// it) come at their own pace; out = limit((a * b) >>> Shift) to OutBits bits, unsigned where OutKind is 0, two's complement
// where it is 1. AKind, BKind: 0 unsigned, 1 two's complement, 2 bipolar (bit 0 is -1). ProductBits hold every product and
// either factor (xf_product).
// Four beats fit at each input, as many as pass the cell in its latency, so that either may run ahead as far as where
// both are there. in_ready_o and out_valid_o depend on registers only.
// Latency 3 cycles from the later of the two beats, interval one cycle a beat.
// Cost: a four-beat FIFO an input, and xf_product.
`default_nettype none

module xf_multiply #(
  parameter integer Lanes = 1,
  parameter integer ABits = 1,
  parameter integer AKind = 1,
  parameter integer BBits = 1,
  parameter integer BKind = 1,
  parameter integer ProductBits = 2,
  parameter integer Shift = 0,
  parameter integer OutBits = 1,
  parameter integer OutKind = 1
) (
  input  wire logic                             clk_i,
  input  wire logic                             rst_ni,
  input  wire logic [1:0]                       in_valid_i,
  output logic      [1:0]                       in_ready_o,
  input  wire logic [Lanes*(ABits+BBits)-1:0]   in_data_i,
  output logic                                  out_valid_o,
  input  wire logic                             out_ready_i,
  output logic      [Lanes*OutBits-1:0]         out_data_o
);

  logic [1:0]               have;
  logic                     room;
  logic                     take;
  logic [Lanes*ABits-1:0]   a_beat;
  logic [Lanes*BBits-1:0]   b_beat;

  assign take = (&have) && room;

  xf_fifo #(.Width(Lanes * ABits), .Depth(4)) u_a (
    .clk_i,
    .rst_ni,
    .in_valid_i (in_valid_i[0]),
    .in_ready_o (in_ready_o[0]),
    .in_data_i  (in_data_i[Lanes*ABits-1:0]),
    .out_valid_o(have[0]),
    .out_ready_i(take),
    .out_data_o (a_beat)
  );

  xf_fifo #(.Width(Lanes * BBits), .Depth(4)) u_b (
    .clk_i,
    .rst_ni,
    .in_valid_i (in_valid_i[1]),
    .in_ready_o (in_ready_o[1]),
    .in_data_i  (in_data_i[Lanes*(ABits+BBits)-1:Lanes*ABits]),
    .out_valid_o(have[1]),
    .out_ready_i(take),
    .out_data_o (b_beat)
  );

  xf_product #(
    .Lanes(Lanes), .ABits(ABits), .AKind(AKind), .BBits(BBits), .BKind(BKind),
    .ProductBits(ProductBits), .Shift(Shift), .OutBits(OutBits), .OutKind(OutKind)
  ) u_product (
    .clk_i,
    .rst_ni,
    .take_i (take),
    .room_o (room),
    .a_i    (a_beat),
    .b_i    (b_beat),
    .out_valid_o,
    .out_ready_i,
    .out_data_o
  );

endmodule

`default_nettype wire
