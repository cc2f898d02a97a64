// xf_product: the pipeline behind a pair of beats: products, element by element, shifted and held at the ends of a type.
//
// Contract: a pair is taken where take_i is high, which is only while room_o is; out = limit((a * b) >>> Shift) to OutBits
// bits, unsigned where OutKind is 0, two's complement where it is 1. AKind, BKind: 0 unsigned, 1 two's complement, 2 bipolar
// (bit 0 is -1). ProductBits hold every product and either factor. room_o and out_valid_o depend on registers only.
// Latency 2 cycles from take_i, interval one cycle a beat.
// Cost: a multiplier (a DSP where it is wide enough) and a limiter a lane, an output queue.
`default_nettype none

module xf_product #(
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
  input  wire logic                     clk_i,
  input  wire logic                     rst_ni,
  input  wire logic                     take_i,
  output logic                          room_o,
  input  wire logic [Lanes*ABits-1:0]   a_i,
  input  wire logic [Lanes*BBits-1:0]   b_i,
  output logic                          out_valid_o,
  input  wire logic                     out_ready_i,
  output logic      [Lanes*OutBits-1:0] out_data_o
);

  xf_require #(
    .Ok(Lanes >= 1 && ABits >= 1 && BBits >= 1 && OutBits >= 1),
    .Message("xf_product: Lanes and all widths must be at least 1")
  ) u_require_sizes ();
  xf_require #(
    .Ok(Shift >= 0 && ProductBits > ABits && ProductBits > BBits),
    .Message("xf_product: Shift must not be negative, and ProductBits hold either factor")
  ) u_require_product ();

  logic                     valid_q;
  logic [Lanes*OutBits-1:0] codes;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) valid_q <= 1'b0;
    else valid_q <= take_i;
  end

  for (genvar i = 0; i < Lanes; i++) begin : gen_lane
    logic signed [ABits:0]         a;
    logic signed [BBits:0]         b;
    logic signed [ProductBits-1:0] wide_a;
    logic signed [ProductBits-1:0] wide_b;
    logic signed [ProductBits-1:0] product_q;

    xf_widen #(.Bits(ABits), .Kind(AKind)) u_wide_a (.data_i(a_i[i*ABits+:ABits]), .value_o(a));
    xf_widen #(.Bits(BBits), .Kind(BKind)) u_wide_b (.data_i(b_i[i*BBits+:BBits]), .value_o(b));
    assign wide_a = ProductBits'(a);
    assign wide_b = ProductBits'(b);

    always_ff @(posedge clk_i) product_q <= wide_a * wide_b;

    xf_saturate #(.Bits(ProductBits), .Shift(Shift), .OutBits(OutBits), .OutKind(OutKind)) u_limit (
      .data_i(product_q), .value_o(codes[i*OutBits+:OutBits])
    );
  end

  xf_queue #(.Width(Lanes * OutBits), .Depth(3)) u_queue (
    .clk_i,
    .rst_ni,
    .claim_i    (take_i),
    .claim_ok_o (room_o),
    .push_i     (valid_q),
    .data_i     (codes),
    .out_valid_o,
    .out_ready_i,
    .out_data_o
  );

endmodule

`default_nettype wire
