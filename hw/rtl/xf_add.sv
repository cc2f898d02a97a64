// xf_add: the sum of two streams, element by element, held at the ends of the output's type.
//
// Contract: input 0 (a: bit 0 of in_valid_i and in_ready_o, the lower Lanes*ABits bits of in_data_i) and input 1 (b: above
// it) come at their own pace; out = a + b limited to OutBits bits, unsigned where OutKind is 0, two's complement where it
// is 1. AKind, BKind: 0 unsigned, 1 two's complement, 2 bipolar (bit 0 is -1).
// Two beats fit at each input. A sum leaves when both of its beats are there; in_ready_o and out_valid_o depend on
// registers only.
// Latency 1 cycle from the later of the two beats, interval one cycle a beat.
// Cost: a two-beat FIFO an input, an adder and a limiter a lane.
`default_nettype none

module xf_add #(
  parameter integer Lanes = 1,
  parameter integer ABits = 1,
  parameter integer AKind = 1,
  parameter integer BBits = 1,
  parameter integer BKind = 1,
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

  xf_require #(.Ok(Lanes >= 1), .Message("xf_add: Lanes must be at least 1")) u_require_lanes ();

  localparam integer SumBits = ((ABits > BBits) ? ABits : BBits) + 2;

  logic [1:0]             have;
  logic                   take;
  logic [Lanes*ABits-1:0] a_beat;
  logic [Lanes*BBits-1:0] b_beat;

  assign out_valid_o = &have;
  assign take        = out_valid_o && out_ready_i;

  xf_fifo #(.Width(Lanes * ABits), .Depth(2)) u_a (
    .clk_i,
    .rst_ni,
    .in_valid_i (in_valid_i[0]),
    .in_ready_o (in_ready_o[0]),
    .in_data_i  (in_data_i[Lanes*ABits-1:0]),
    .out_valid_o(have[0]),
    .out_ready_i(take),
    .out_data_o (a_beat)
  );

  xf_fifo #(.Width(Lanes * BBits), .Depth(2)) u_b (
    .clk_i,
    .rst_ni,
    .in_valid_i (in_valid_i[1]),
    .in_ready_o (in_ready_o[1]),
    .in_data_i  (in_data_i[Lanes*(ABits+BBits)-1:Lanes*ABits]),
    .out_valid_o(have[1]),
    .out_ready_i(take),
    .out_data_o (b_beat)
  );

  for (genvar i = 0; i < Lanes; i++) begin : gen_lane
    logic signed [ABits:0]     a;
    logic signed [BBits:0]     b;
    logic signed [SumBits-1:0] wide_a;
    logic signed [SumBits-1:0] wide_b;
    logic signed [SumBits-1:0] sum;

    xf_widen #(.Bits(ABits), .Kind(AKind)) u_wide_a (.data_i(a_beat[i*ABits+:ABits]), .value_o(a));
    xf_widen #(.Bits(BBits), .Kind(BKind)) u_wide_b (.data_i(b_beat[i*BBits+:BBits]), .value_o(b));
    assign wide_a = SumBits'(a);
    assign wide_b = SumBits'(b);
    assign sum    = wide_a + wide_b;
    xf_saturate #(.Bits(SumBits), .OutBits(OutBits), .OutKind(OutKind)) u_limit (
      .data_i(sum), .value_o(out_data_o[i*OutBits+:OutBits])
    );
  end

`ifdef XF_CHECK_STREAMS
  xf_check_stream #(.Width(Lanes * OutBits)) u_check_out (
    .clk_i, .rst_ni, .valid_i(out_valid_o), .ready_i(out_ready_i), .data_i(out_data_o)
  );
`endif

endmodule

`default_nettype wire
