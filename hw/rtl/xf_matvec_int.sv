// xf_matvec_int: integer matrix times integer vectors, folded over Pe rows and Simd columns.
//
// Contract: for each vector of Mw elements of InBits bits, Mw/Simd beats, makes Mh accumulators, Mh/Pe beats of Pe words of
// AccBits bits, two's complement. InKind and WeightKind: 0 unsigned, 1 two's complement, 2 bipolar (bit 0 is -1).
// Interval: (Mh/Pe) * (Mw/Simd) cycles a vector; a two-vector input buffer keeps the producer going meanwhile (none and
// none needed where Pe = Mh). Latency from a fold's last beat: 4 cycles, 3 where Pe = Mh. No global clock enable: the
// pipeline runs free, and an output queue grants credits.
// Formula: acc[m] = init[m] + sum_k w[m][k] * x[k]; init is the border's correction or 0.
// Memories: WeightFile: word n*Sf + s holds WeightBits bits at (p*Simd + i)*WeightBits for w[n*Pe + p][s*Simd + i]
// (Nf = Mh/Pe, Sf = Mw/Simd). InitFile: words of Pe start values, AccBits each; xf_matvec_init tells their order and
// RowFile and ColFile.
// Cost: bipolar weights: an add/subtract of InBits + 1 bits a product; others: a multiplier, in DSP48 where the tool sees
// fit; fully unrolled (Pe = Mh, Simd = Mw) the weights are constants.
`default_nettype none

module xf_matvec_int #(
  parameter integer Mw = 1,
  parameter integer Mh = 1,
  parameter integer Simd = 1,
  parameter integer Pe = 1,
  parameter integer InBits = 1,
  parameter integer InKind = 0,
  parameter integer WeightBits = 1,
  parameter integer WeightKind = 1,
  parameter integer AccBits = 2,
  parameter integer Border = 0,
  parameter integer OutRows = 1,
  parameter integer OutCols = 1,
  parameter integer InitWords = 1,
  parameter         WeightFile = "",
  parameter         InitFile = "",
  parameter         RowFile = "",
  parameter         ColFile = ""
) (
  input  wire logic                  clk_i,
  input  wire logic                  rst_ni,
  input  wire logic                  in_valid_i,
  output logic                       in_ready_o,
  input  wire logic [Simd*InBits-1:0] in_data_i,
  output logic                       out_valid_o,
  input  wire logic                  out_ready_i,
  output logic      [Pe*AccBits-1:0] out_data_o
);

  xf_require #(
    .Ok(Simd >= 1 && Pe >= 1 && Mw % Simd == 0 && Mh % Pe == 0),
    .Message("xf_matvec_int: Simd must divide Mw and Pe must divide Mh")
  ) u_require_folding ();
  xf_require #(.Ok(AccBits >= 1), .Message("xf_matvec_int: AccBits must be at least 1")) u_require_acc ();

  localparam integer Sf = Mw / Simd;
  localparam integer Nf = Mh / Pe;
  localparam integer AddrBits = (Sf * Nf > 1) ? $clog2(Sf * Nf) : 1;
  localparam integer WordBits = Pe * Simd * WeightBits;
  // One bit more than stored where bipolar and unsigned values need a sign.
  localparam integer XBits = (InKind == 1) ? InBits : InBits + 1;
  localparam integer WBits = (WeightKind == 1) ? WeightBits : WeightBits + 1;
  // A product is just as wide as its factors, or a bit wider than x where w is a sign, so that no register behind a lone
  // multiplier is wider than what it makes: Yosys 0.70 loses such a register's top bit in a DSP48E1. Beyond AccBits nothing
  // counts, for the accumulator holds every result.
  localparam integer ExactBits = XBits + ((WeightKind == 2) ? 1 : WBits) + $clog2(Simd);
  localparam integer SumBits = (ExactBits < AccBits) ? ExactBits : AccBits;
  // A credit comes back 4 cycles after its claim.
  localparam integer QueueDepth = (Sf >= 2) ? 2 : 4;

  logic                    step;
  logic                    first;
  logic                    last;
  logic                    go;
  logic [AddrBits-1:0]     addr;
  logic [Simd*InBits-1:0]  beat;
  logic [WordBits-1:0]     weights;
  logic [Pe*AccBits-1:0]   init;
  logic [Simd*InBits-1:0]  beat_q;
  logic                    valid1_q;
  logic                    first1_q;
  logic                    last1_q;
  logic                    valid2_q;
  logic                    first2_q;
  logic                    last2_q;
  logic [Pe*AccBits-1:0]   acc;

  xf_replay #(.BeatBits(Simd * InBits), .Sf(Sf), .Nf(Nf)) u_feed (
    .clk_i,
    .rst_ni,
    .in_valid_i,
    .in_ready_o,
    .in_data_i,
    .go_i    (go),
    .step_o  (step),
    .first_o (first),
    .last_o  (last),
    .addr_o  (addr),
    .data_o  (beat)
  );

  xf_rom #(.Width(WordBits), .Depth(Sf * Nf), .Apart(2), .InitFile(WeightFile)) u_weights (
    .clk_i, .addr_i(addr), .data_o(weights)
  );

  xf_matvec_init #(
    .WordBits(Pe * AccBits), .Nf(Nf), .Border(Border), .OutRows(OutRows), .OutCols(OutCols), .Words(InitWords),
    .InitFile(InitFile), .RowFile(RowFile), .ColFile(ColFile)
  ) u_init (
    .clk_i, .rst_ni, .step_i(step && first), .init_o(init)
  );

  always_ff @(posedge clk_i) begin
    beat_q   <= beat;
    first1_q <= first;
    last1_q  <= last;
    first2_q <= first1_q;
    last2_q  <= last1_q;
    if (!rst_ni) begin
      valid1_q <= 1'b0;
      valid2_q <= 1'b0;
    end else begin
      valid1_q <= step;
      valid2_q <= valid1_q;
    end
  end

  for (genvar p = 0; p < Pe; p++) begin : gen_pe
    logic        [Simd*SumBits-1:0] terms;
    logic signed [SumBits-1:0]      sum;
    logic signed [SumBits-1:0]      sum_q;
    logic        [AccBits-1:0]      start;
    logic        [AccBits-1:0]      acc_q;

    for (genvar i = 0; i < Simd; i++) begin : gen_product
      logic signed [InBits:0]    x;
      logic signed [SumBits-1:0] wide_x;
      logic                      unused;
      assign unused = &{1'b0, x};
      xf_widen #(.Bits(InBits), .Kind(InKind)) u_x (.data_i(beat_q[i*InBits+:InBits]), .value_o(x));
      assign wide_x = SumBits'(x);
      if (WeightKind == 2) begin : gen_sign
        assign terms[i*SumBits+:SumBits] = weights[p*Simd+i] ? wide_x : -wide_x;
      end else begin : gen_multiply
        logic signed [WeightBits:0] w;
        logic signed [SumBits-1:0] wide_w;
        logic                      unused_w;
        assign unused_w = &{1'b0, w};
        xf_widen #(.Bits(WeightBits), .Kind(WeightKind)) u_w (
          .data_i(weights[(p*Simd+i)*WeightBits+:WeightBits]), .value_o(w)
        );
        assign wide_w = SumBits'(w);
        assign terms[i*SumBits+:SumBits] = wide_x * wide_w;
      end
    end

    always_comb begin
      sum = SumBits'(0);
      for (int i = 0; i < Simd; i++) sum = sum + terms[i*SumBits+:SumBits];
    end

    assign start                    = first2_q ? init[p*AccBits+:AccBits] : acc_q;
    assign acc[p*AccBits+:AccBits] = start + AccBits'(sum_q);

    always_ff @(posedge clk_i) begin
      sum_q <= sum;
      if (valid2_q) acc_q <= acc[p*AccBits+:AccBits];
    end
  end

  xf_queue #(.Width(Pe * AccBits), .Depth(QueueDepth)) u_queue (
    .clk_i,
    .rst_ni,
    .claim_i    (step && last),
    .claim_ok_o (go),
    .push_i     (valid2_q && last2_q),
    .data_i     (acc),
    .out_valid_o,
    .out_ready_i,
    .out_data_o
  );

endmodule

`default_nettype wire
