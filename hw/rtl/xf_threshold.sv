// xf_threshold: per-channel thresholds, to a bipolar bit or an n-bit code.
//
// Contract: every beat holds Lanes values of InBits bits, channels in order, Folds beats a pixel; for each lane
// out = Base + Step * #{l : (x >= t[l]) xor negate} modulo 2**OutBits. A decreasing channel (s = -1) is stored as
// t = 1 - threshold with negate set, because -x >= T is not(x >= 1 - T).
// InKind: 0 unsigned, 1 two's complement, 2 bipolar (bit 0 is -1).
// Latency 2 cycles, interval one cycle a beat. in_ready_o depends on registers only.
// Memory: InitFile has Folds words; lane i of word f has, from its lowest bit, Levels thresholds of ThresholdBits bits
// (two's complement), then the negate bit.
// Cost: Lanes * Levels comparators of max(InBits, ThresholdBits) bits; constant thresholds (Folds = 1) need no ROM.
`default_nettype none

module xf_threshold #(
  parameter integer Lanes = 1,
  parameter integer Folds = 1,
  parameter integer InBits = 1,
  parameter integer InKind = 1,
  parameter integer OutBits = 1,
  parameter integer Levels = 1,
  parameter integer ThresholdBits = 1,
  parameter integer Base = 0,
  parameter integer Step = 1,
  parameter         InitFile = ""
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
    .Ok(Lanes >= 1 && Folds >= 1 && InBits >= 1 && OutBits >= 1 && Levels >= 1 && ThresholdBits >= 1),
    .Message("xf_threshold: Lanes, Folds, Levels and all widths must be at least 1")
  ) u_require_sizes ();

  localparam integer FoldBits = (Folds > 1) ? $clog2(Folds) : 1;
  localparam integer LaneBits = Levels * ThresholdBits + 1;
  // One bit more than the input, so that bipolar and unsigned values have a sign.
  localparam integer ValueBits = InBits + 1;
  localparam integer CompareBits = (ValueBits > ThresholdBits) ? ValueBits : ThresholdBits;
  localparam integer SumBits = (OutBits > $clog2(Levels + 1)) ? OutBits : $clog2(Levels + 1);

  logic [FoldBits-1:0]       fold_q;
  logic [Lanes*InBits-1:0]   beat_q;
  logic                      valid_q;
  logic                      take;
  logic [Lanes*LaneBits-1:0] word;
  logic [Lanes*OutBits-1:0]  codes;

  assign take = in_valid_i && in_ready_o;

  always_ff @(posedge clk_i) begin
    beat_q <= in_data_i;
    if (!rst_ni) begin
      fold_q  <= FoldBits'(0);
      valid_q <= 1'b0;
    end else begin
      valid_q <= take;
      if (take) fold_q <= (fold_q == FoldBits'(Folds - 1)) ? FoldBits'(0) : fold_q + FoldBits'(1);
    end
  end

  xf_rom #(.Width(Lanes * LaneBits), .Depth(Folds), .InitFile(InitFile)) u_thresholds (
    .clk_i, .addr_i(fold_q), .data_o(word)
  );

  for (genvar i = 0; i < Lanes; i++) begin : gen_lane
    logic signed [ValueBits-1:0]   value;
    logic signed [CompareBits-1:0] wide;
    logic        [Levels-1:0]      passed;
    logic        [SumBits-1:0]     sum;

    xf_widen #(.Bits(InBits), .Kind(InKind)) u_value (.data_i(beat_q[i*InBits+:InBits]), .value_o(value));
    assign wide = CompareBits'(value);

    for (genvar l = 0; l < Levels; l++) begin : gen_level
      logic signed [ThresholdBits-1:0] threshold;
      assign threshold = word[i*LaneBits+l*ThresholdBits+:ThresholdBits];
      assign passed[l] = (wide >= CompareBits'(threshold)) ^ word[i*LaneBits+Levels*ThresholdBits];
    end

    always_comb begin
      sum = SumBits'(Base);
      for (int l = 0; l < Levels; l++) sum = sum + (passed[l] ? SumBits'(Step) : SumBits'(0));
    end
    assign codes[i*OutBits+:OutBits] = sum[OutBits-1:0];
  end

  xf_queue #(.Width(Lanes * OutBits), .Depth(3)) u_queue (
    .clk_i,
    .rst_ni,
    .claim_i    (take),
    .claim_ok_o (in_ready_o),
    .push_i     (valid_q),
    .data_i     (codes),
    .out_valid_o,
    .out_ready_i,
    .out_data_o
  );

endmodule

`default_nettype wire
