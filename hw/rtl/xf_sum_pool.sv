// xf_sum_pool: the sum of pixels that follow each other, per element.
//
// Contract: takes Taps pixels of Beats beats of Lanes elements, and makes one pixel of their sums; again and again.
// InKind: 0 unsigned, 1 two's complement, 2 bipolar (bit 0 is -1). OutBits hold every sum.
// Latency 1 cycle from a beat of the last pixel, interval one cycle an input beat. in_ready_o depends on registers only.
// Cost: LUT RAM of Beats beats for the sums so far, Lanes adders, two beats of flip-flops.
`default_nettype none

module xf_sum_pool #(
  parameter integer Lanes = 1,
  parameter integer InBits = 1,
  parameter integer InKind = 0,
  parameter integer OutBits = 1,
  parameter integer Beats = 1,
  parameter integer Taps = 1
) (
  input  wire logic                     clk_i,
  input  wire logic                     rst_ni,
  input  wire logic                     in_valid_i,
  output logic                          in_ready_o,
  input  wire logic [Lanes*InBits-1:0]  in_data_i,
  output logic                          out_valid_o,
  input  wire logic                     out_ready_i,
  output logic      [Lanes*OutBits-1:0] out_data_o
);

  xf_require #(
    .Ok(Lanes >= 1 && InBits >= 1 && OutBits >= InBits && Beats >= 1 && Taps >= 1),
    .Message("xf_sum_pool: all sizes must be at least 1, and OutBits at least InBits")
  ) u_require_sizes ();

  localparam integer BeatCountBits = (Beats > 1) ? $clog2(Beats) : 1;
  localparam integer TapBits = (Taps > 1) ? $clog2(Taps) : 1;
  // Wide enough for the signed reading of an input; the sums need no more than OutBits of it.
  localparam integer WideBits = OutBits + 1;

  logic [BeatCountBits-1:0] beat_q;
  logic [TapBits-1:0]       tap_q;
  logic                     last_beat;
  logic                     last_tap;
  logic                     ready;
  logic                     take;
  logic [Lanes*OutBits-1:0] sums;
  logic [Lanes*OutBits-1:0] kept [0:Beats-1];
  logic [Lanes*OutBits-1:0] so_far;

  assign so_far     = kept[beat_q];
  assign last_beat  = beat_q == BeatCountBits'(Beats - 1);
  assign last_tap   = tap_q == TapBits'(Taps - 1);
  assign in_ready_o = ready || !last_tap;
  assign take       = in_valid_i && in_ready_o;

  for (genvar i = 0; i < Lanes; i++) begin : gen_lane
    logic signed [InBits:0]     value;
    logic signed [WideBits-1:0] wide;
    logic        [OutBits-1:0]  old;
    logic                       unused;
    xf_widen #(.Bits(InBits), .Kind(InKind)) u_value (.data_i(in_data_i[i*InBits+:InBits]), .value_o(value));
    assign wide   = WideBits'(value);
    assign old    = (tap_q == TapBits'(0)) ? OutBits'(0) : so_far[i*OutBits+:OutBits];
    assign unused = &{1'b0, wide[WideBits-1]};
    assign sums[i*OutBits+:OutBits] = old + wide[OutBits-1:0];
  end

  always_ff @(posedge clk_i) begin
    if (take) kept[beat_q] <= sums;
    if (!rst_ni) begin
      beat_q <= BeatCountBits'(0);
      tap_q  <= TapBits'(0);
    end else if (take) begin
      beat_q <= last_beat ? BeatCountBits'(0) : beat_q + BeatCountBits'(1);
      if (last_beat) tap_q <= last_tap ? TapBits'(0) : tap_q + TapBits'(1);
    end
  end

  xf_fifo #(.Width(Lanes * OutBits), .Depth(2)) u_out (
    .clk_i,
    .rst_ni,
    .in_valid_i (take && last_tap),
    .in_ready_o (ready),
    .in_data_i  (sums),
    .out_valid_o,
    .out_ready_i,
    .out_data_o
  );

endmodule

`default_nettype wire
