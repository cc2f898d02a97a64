// xf_max_pool: the greatest of the taps of each window, per element.
//
// Contract: takes windows of Taps pixels of Beats beats of Lanes elements, makes one pixel a window.
// InKind: 0 unsigned, 1 two's complement, 2 bipolar (an OR).
// Latency 1 cycle from a beat of the last tap, interval one cycle an input beat. in_ready_o depends on registers only.
// Cost: LUT RAM of Beats beats for the greatest so far, Lanes comparators, two beats of flip-flops.
`default_nettype none

module xf_max_pool #(
  parameter integer Lanes = 1,
  parameter integer Bits = 1,
  parameter integer InKind = 0,
  parameter integer Beats = 1,
  parameter integer Taps = 1
) (
  input  wire logic                  clk_i,
  input  wire logic                  rst_ni,
  input  wire logic                  in_valid_i,
  output logic                       in_ready_o,
  input  wire logic [Lanes*Bits-1:0] in_data_i,
  output logic                       out_valid_o,
  input  wire logic                  out_ready_i,
  output logic      [Lanes*Bits-1:0] out_data_o
);

  xf_require #(
    .Ok(Lanes >= 1 && Bits >= 1 && Beats >= 1 && Taps >= 1),
    .Message("xf_max_pool: all sizes must be at least 1")
  ) u_require_sizes ();
  xf_require #(
    .Ok(InKind >= 0 && InKind <= 2 && (InKind != 2 || Bits == 1)),
    .Message("xf_max_pool: InKind must be 0, 1 or 2, and 2 only for one bit")
  ) u_require_kind ();

  localparam integer BeatCountBits = (Beats > 1) ? $clog2(Beats) : 1;
  localparam integer TapBits = (Taps > 1) ? $clog2(Taps) : 1;
  // Two's complement compares like unsigned once the sign bit is inverted.
  localparam [Bits-1:0] Flip = (InKind == 1) ? Bits'(1) << (Bits - 1) : Bits'(0);

  logic [BeatCountBits-1:0] beat_q;
  logic [TapBits-1:0]       tap_q;
  logic                     last_beat;
  logic                     last_tap;
  logic                     ready;
  logic                     take;
  logic [Lanes*Bits-1:0]    best;
  logic [Lanes*Bits-1:0]    kept [0:Beats-1];
  logic [Lanes*Bits-1:0]    so_far;

  assign so_far     = kept[beat_q];
  assign last_beat  = beat_q == BeatCountBits'(Beats - 1);
  assign last_tap   = tap_q == TapBits'(Taps - 1);
  assign in_ready_o = ready || !last_tap;
  assign take       = in_valid_i && in_ready_o;

  for (genvar i = 0; i < Lanes; i++) begin : gen_lane
    logic [Bits-1:0] fresh;
    logic [Bits-1:0] old;
    assign fresh = in_data_i[i*Bits+:Bits];
    assign old   = so_far[i*Bits+:Bits];
    assign best[i*Bits+:Bits] = (tap_q == TapBits'(0) || (fresh ^ Flip) > (old ^ Flip)) ? fresh : old;
  end

  always_ff @(posedge clk_i) begin
    if (take) kept[beat_q] <= best;
    if (!rst_ni) begin
      beat_q <= BeatCountBits'(0);
      tap_q  <= TapBits'(0);
    end else if (take) begin
      beat_q <= last_beat ? BeatCountBits'(0) : beat_q + BeatCountBits'(1);
      if (last_beat) tap_q <= last_tap ? TapBits'(0) : tap_q + TapBits'(1);
    end
  end

  xf_fifo #(.Width(Lanes * Bits), .Depth(2)) u_out (
    .clk_i,
    .rst_ni,
    .in_valid_i (take && last_tap),
    .in_ready_o (ready),
    .in_data_i  (best),
    .out_valid_o,
    .out_ready_i,
    .out_data_o
  );

endmodule

`default_nettype wire
