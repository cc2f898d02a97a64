// xf_table: any function of one small integer, looked up in a ROM.
//
// Contract: every beat holds Lanes values of InBits bits, channels in order, Folds beats a pixel. Each value's bit pattern
// addresses a table of OutBits words. Latency 2 cycles, interval one cycle a beat. in_ready_o depends on registers only.
// Memory: Shared = 1: InitFile has 2**InBits words of OutBits, one table for all channels. Shared = 0: word
// f * 2**InBits + code holds, from its lowest bit, OutBits for each lane of fold f.
// Cost: one ROM a lane (each reads all Lanes fields; synthesis drops those of the other lanes) and a two-stage register.
`default_nettype none

module xf_table #(
  parameter integer Lanes = 1,
  parameter integer Folds = 1,
  parameter integer InBits = 1,
  parameter integer OutBits = 1,
  parameter integer Shared = 1,
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
    .Ok(Lanes >= 1 && Folds >= 1 && InBits >= 1 && OutBits >= 1),
    .Message("xf_table: Lanes, Folds and all widths must be at least 1")
  ) u_require_sizes ();
  xf_require #(.Ok(InBits <= 16), .Message("xf_table: InBits must be at most 16")) u_require_depth ();

  localparam integer FoldBits = (Folds > 1) ? $clog2(Folds) : 1;
  localparam integer WordBits = (Shared != 0) ? OutBits : Lanes * OutBits;
  localparam integer Words = (Shared != 0) ? 2 ** InBits : Folds * 2 ** InBits;
  localparam integer AddrBits = $clog2(Words);

  logic                     take;
  logic                     valid_q;
  logic [Lanes*OutBits-1:0] found;

  assign take = in_valid_i && in_ready_o;

  always_ff @(posedge clk_i) valid_q <= rst_ni && take;

  if (Shared != 0 || Folds == 1) begin : gen_one_fold
    for (genvar i = 0; i < Lanes; i++) begin : gen_lane
      logic [WordBits-1:0] word;
      xf_rom #(.Width(WordBits), .Depth(Words), .InitFile(InitFile)) u_rom (
        .clk_i, .addr_i(in_data_i[i*InBits+:InBits]), .data_o(word)
      );
      if (Shared != 0) begin : gen_shared
        assign found[i*OutBits+:OutBits] = word;
      end else begin : gen_own
        logic unused;
        assign unused = &{1'b0, word};
        assign found[i*OutBits+:OutBits] = word[i*OutBits+:OutBits];
      end
    end
  end else begin : gen_folds
    logic [FoldBits-1:0] fold_q;
    always_ff @(posedge clk_i) begin
      if (!rst_ni) fold_q <= FoldBits'(0);
      else if (take) fold_q <= (fold_q == FoldBits'(Folds - 1)) ? FoldBits'(0) : fold_q + FoldBits'(1);
    end
    for (genvar i = 0; i < Lanes; i++) begin : gen_lane
      logic [WordBits-1:0] word;
      logic                unused;
      assign unused = &{1'b0, word};
      xf_rom #(.Width(WordBits), .Depth(Words), .InitFile(InitFile)) u_rom (
        .clk_i, .addr_i(AddrBits'({fold_q, in_data_i[i*InBits+:InBits]})), .data_o(word)
      );
      assign found[i*OutBits+:OutBits] = word[i*OutBits+:OutBits];
    end
  end

  xf_queue #(.Width(Lanes * OutBits), .Depth(3)) u_queue (
    .clk_i,
    .rst_ni,
    .claim_i    (take),
    .claim_ok_o (in_ready_o),
    .push_i     (valid_q),
    .data_i     (found),
    .out_valid_o,
    .out_ready_i,
    .out_data_o
  );

endmodule

`default_nettype wire
