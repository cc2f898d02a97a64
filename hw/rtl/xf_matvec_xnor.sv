// xf_matvec_xnor: bipolar matrix times bipolar vectors, as XNOR and popcount, folded over Pe rows and Simd columns.
//
// Contract: for each vector of Mw bits, Mw/Simd beats of Simd bits (element 0 lowest, -1 is 0), makes Mh accumulators,
// Mh/Pe beats of Pe words of AccBits bits, two's complement; where Sign is 1, beats of Pe bits, 1 where the accumulator is not negative.
// Interval: (Mh/Pe) * (Mw/Simd) cycles a vector; a two-vector input buffer keeps the producer going meanwhile (none and
// none needed where Pe = Mh). Latency from a fold's last beat: 4 cycles, 3 where Pe = Mh. No global clock enable: the
// pipeline runs free, and an output queue grants credits.
// Formula: acc[m] = init[m] + 2 * sum_k xnor(x[k], w[m][k]); init = -Mw, plus the border's correction. Where Sign is 1,
// acc[m] = init[m] + sum_k xnor(x[k], w[m][k]); init = -(least count that passes the row's threshold, in the border's class).
// Memories: WeightFile: word n*Sf + s holds bit (p*Simd + i) = w[n*Pe + p][s*Simd + i] (Nf = Mh/Pe, Sf = Mw/Simd).
// InitFile: words of Pe start values, AccBits each; xf_matvec_init tells their order and RowFile and ColFile.
// Cost (xc7): 0.85 LUT a binary product (Pe*Simd), AccBits a row and as many in the queue (one, where Sign is 1), a ROM of Mh*Mw
// bits; fully unrolled (Pe = Mh, Simd = Mw) the weights are constants and the XNORs vanish: 0.5 LUT a product.
`default_nettype none

module xf_matvec_xnor #(
  parameter integer Mw = 1,
  parameter integer Mh = 1,
  parameter integer Simd = 1,
  parameter integer Pe = 1,
  parameter integer AccBits = 2,
  parameter integer Sign = 0,
  parameter integer Border = 0,
  parameter integer OutRows = 1,
  parameter integer OutCols = 1,
  parameter integer InitWords = 1,
  parameter         WeightFile = "",
  parameter         InitFile = "",
  parameter         RowFile = "",
  parameter         ColFile = "",
  localparam integer OutBits = (Sign == 1) ? 1 : AccBits
) (
  input  wire logic                  clk_i,
  input  wire logic                  rst_ni,
  input  wire logic                  in_valid_i,
  output logic                       in_ready_o,
  input  wire logic [Simd-1:0]       in_data_i,
  output logic                       out_valid_o,
  input  wire logic                  out_ready_i,
  output logic      [Pe*OutBits-1:0] out_data_o
);

  xf_require #(
    .Ok(Simd >= 1 && Pe >= 1 && Mw % Simd == 0 && Mh % Pe == 0),
    .Message("xf_matvec_xnor: Simd must divide Mw and Pe must divide Mh")
  ) u_require_folding ();
  xf_require #(.Ok(AccBits >= 2), .Message("xf_matvec_xnor: AccBits must be at least 2")) u_require_acc ();

  localparam integer Sf = Mw / Simd;
  localparam integer Nf = Mh / Pe;
  localparam integer AddrBits = (Sf * Nf > 1) ? $clog2(Sf * Nf) : 1;
  localparam integer CountBits = $clog2(Simd + 1);
  // A credit comes back 4 cycles after its claim.
  localparam integer QueueDepth = (Sf >= 2) ? 2 : 4;

  logic                    step;
  logic                    first;
  logic                    last;
  logic                    go;
  logic [AddrBits-1:0]     addr;
  logic [Simd-1:0]         beat;
  logic [Pe*Simd-1:0]      weights;
  logic [Pe*AccBits-1:0]   init;
  logic [Simd-1:0]         beat_q;
  logic                    valid1_q;
  logic                    first1_q;
  logic                    last1_q;
  logic                    valid2_q;
  logic                    first2_q;
  logic                    last2_q;
  logic [Pe*OutBits-1:0]   result;

  xf_replay #(.BeatBits(Simd), .Sf(Sf), .Nf(Nf)) u_feed (
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

  xf_rom #(.Width(Pe * Simd), .Depth(Sf * Nf), .Apart(1), .InitFile(WeightFile)) u_weights (
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
    logic [CountBits-1:0] count;
    logic [CountBits-1:0] count_q;
    logic [AccBits-1:0]   start;
    logic [AccBits-1:0]   addend;
    logic [AccBits-1:0]   acc;
    logic [AccBits-1:0]   sum_q;

    xf_xnor_count #(.Width(Simd), .Constant((Sf * Nf == 1) ? 1 : 0)) u_count (
      .data_i(beat_q), .weight_i(weights[p*Simd+:Simd]), .count_o(count)
    );

    assign start  = first2_q ? init[p*AccBits+:AccBits] : sum_q;
    assign addend = (Sign == 1) ? AccBits'(count_q) : AccBits'({count_q, 1'b0});
    assign acc    = addend + start;
    if (Sign == 1) begin : gen_sign
      assign result[p] = !acc[AccBits-1];
    end else begin : gen_sum
      assign result[p*AccBits+:AccBits] = acc;
    end

    always_ff @(posedge clk_i) begin
      count_q <= count;
      if (valid2_q) sum_q <= acc;
    end
  end

  xf_queue #(.Width(Pe * OutBits), .Depth(QueueDepth)) u_queue (
    .clk_i,
    .rst_ni,
    .claim_i    (step && last),
    .claim_ok_o (go),
    .push_i     (valid2_q && last2_q),
    .data_i     (result),
    .out_valid_o,
    .out_ready_i,
    .out_data_o
  );

endmodule

`default_nettype wire
