// xf_affine: per-channel multiply, add, shift and limit, with another slope below a knee; integer batch norm and PReLU.
//
// Contract: every beat holds Lanes values of InBits bits, channels in order, Folds beats a pixel; for each lane
// out = limit((mul[p] * x + add[p]) >>> Shift) with p = 1 where Pieces is 2 and x < knee, else 0; limit holds the result at
// the ends of OutBits bits, unsigned where OutKind is 0, two's complement where it is 1.
// InKind: 0 unsigned, 1 two's complement, 2 bipolar (bit 0 is -1).
// Latency 3 cycles, interval one cycle a beat. in_ready_o depends on registers only.
// Memory: InitFile has Folds words; lane i of word f has, from its lowest bit, for each piece mul (MulBits) and add
// (AddBits), then for two pieces the knee (InBits + 2 bits); all two's complement. SumBits hold every sum.
// Cost: a multiplier (a DSP where it is wide enough), an adder and a limiter a lane; two pieces add a comparator and a
// multiplexer; constant coefficients (Folds = 1) need no ROM.
`default_nettype none

module xf_affine #(
  parameter integer Lanes = 1,
  parameter integer Folds = 1,
  parameter integer InBits = 1,
  parameter integer InKind = 1,
  parameter integer Pieces = 1,
  parameter integer MulBits = 1,
  parameter integer AddBits = 1,
  parameter integer SumBits = 2,
  parameter integer Shift = 0,
  parameter integer OutBits = 1,
  parameter integer OutKind = 1,
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
    .Ok(Lanes >= 1 && Folds >= 1 && InBits >= 1 && OutBits >= 1 && MulBits >= 1 && AddBits >= 1),
    .Message("xf_affine: Lanes, Folds and all widths must be at least 1")
  ) u_require_sizes ();
  xf_require #(.Ok(Pieces >= 1 && Pieces <= 2), .Message("xf_affine: Pieces must be 1 or 2")) u_require_pieces ();
  xf_require #(
    .Ok(Shift >= 0 && SumBits >= MulBits && SumBits >= AddBits && SumBits >= InBits + 1),
    .Message("xf_affine: Shift must not be negative, and SumBits hold the input, mul and add")
  ) u_require_sum ();

  localparam integer FoldBits = (Folds > 1) ? $clog2(Folds) : 1;
  localparam integer ValueBits = InBits + 1;
  localparam integer KneeBits = InBits + 2;
  localparam integer PieceBits = MulBits + AddBits;
  localparam integer LaneBits = (Pieces == 2) ? 2 * PieceBits + KneeBits : PieceBits;

  logic [FoldBits-1:0]       fold_q;
  logic [Lanes*InBits-1:0]   beat_q;
  logic                      valid1_q;
  logic                      valid2_q;
  logic                      take;
  logic [Lanes*LaneBits-1:0] word;
  logic [Lanes*OutBits-1:0]  codes;

  assign take = in_valid_i && in_ready_o;

  always_ff @(posedge clk_i) begin
    beat_q <= in_data_i;
    if (!rst_ni) begin
      fold_q   <= FoldBits'(0);
      valid1_q <= 1'b0;
      valid2_q <= 1'b0;
    end else begin
      valid1_q <= take;
      valid2_q <= valid1_q;
      if (take) fold_q <= (fold_q == FoldBits'(Folds - 1)) ? FoldBits'(0) : fold_q + FoldBits'(1);
    end
  end

  xf_rom #(.Width(Lanes * LaneBits), .Depth(Folds), .Apart(2), .InitFile(InitFile)) u_coefficients (
    .clk_i, .addr_i(fold_q), .data_o(word)
  );

  for (genvar i = 0; i < Lanes; i++) begin : gen_lane
    logic signed [ValueBits-1:0]   value;
    logic        [PieceBits-1:0]   piece;
    logic signed [MulBits-1:0]     mul;
    logic signed [AddBits-1:0]     add;
    logic signed [SumBits-1:0]     wide_value;
    logic signed [SumBits-1:0]     wide_mul;
    logic signed [SumBits-1:0]     product_q;
    logic signed [SumBits-1:0]     add_q;
    logic signed [SumBits-1:0]     sum;

    xf_widen #(.Bits(InBits), .Kind(InKind)) u_value (.data_i(beat_q[i*InBits+:InBits]), .value_o(value));

    if (Pieces == 2) begin : gen_knee
      logic signed [KneeBits-1:0] knee;
      logic signed [KneeBits-1:0] compared;
      assign knee     = word[i*LaneBits+2*PieceBits+:KneeBits];
      assign compared = KneeBits'(value);
      assign piece    = (compared < knee) ? word[i*LaneBits+PieceBits+:PieceBits] : word[i*LaneBits+:PieceBits];
    end else begin : gen_one
      assign piece = word[i*LaneBits+:PieceBits];
    end

    assign mul        = piece[MulBits-1:0];
    assign add        = piece[PieceBits-1:MulBits];
    assign wide_value = SumBits'(value);
    assign wide_mul   = SumBits'(mul);

    always_ff @(posedge clk_i) begin
      product_q <= wide_value * wide_mul;
      add_q     <= SumBits'(add);
    end

    assign sum = product_q + add_q;
    xf_saturate #(.Bits(SumBits), .Shift(Shift), .OutBits(OutBits), .OutKind(OutKind)) u_limit (
      .data_i(sum), .value_o(codes[i*OutBits+:OutBits])
    );
  end

  xf_queue #(.Width(Lanes * OutBits), .Depth(4)) u_queue (
    .clk_i,
    .rst_ni,
    .claim_i    (take),
    .claim_ok_o (in_ready_o),
    .push_i     (valid2_q),
    .data_i     (codes),
    .out_valid_o,
    .out_ready_i,
    .out_data_o
  );

endmodule

`default_nettype wire
