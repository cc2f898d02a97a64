// xf_queue: the end of a pipeline that cannot be stopped; an output FIFO with credits.
//
// Contract: a stage at the head of a free-running pipeline raises claim_i, only while claim_ok_o is high, for every
// result that it sets going; the result arrives any number of cycles later with push_i and always finds room.
// Latency 1 cycle from push_i to out_valid_o. claim_ok_o depends on registers only.
// Throughput: a pipeline of P cycles from claim to push keeps one claim a cycle going where Depth >= P + 2.
// Cost: xf_fifo and one counter.
`default_nettype none

module xf_queue #(
  parameter integer Width = 1,
  parameter integer Depth = 2
) (
  input  wire logic             clk_i,
  input  wire logic             rst_ni,
  input  wire logic             claim_i,
  output logic                  claim_ok_o,
  input  wire logic             push_i,
  input  wire logic [Width-1:0] data_i,
  output logic                  out_valid_o,
  input  wire logic             out_ready_i,
  output logic      [Width-1:0] out_data_o
);

  localparam integer CreditBits = $clog2(Depth + 1);

  logic [CreditBits-1:0] credits_q;
  logic                  give;
  logic                  push_ready;

  assign claim_ok_o = credits_q != CreditBits'(0);
  assign give       = out_valid_o && out_ready_i;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      credits_q <= CreditBits'(Depth);
    end else begin
      if (claim_i && !give) credits_q <= credits_q - CreditBits'(1);
      if (give && !claim_i) credits_q <= credits_q + CreditBits'(1);
    end
  end

  xf_fifo #(.Width(Width), .Depth(Depth)) u_fifo (
    .clk_i,
    .rst_ni,
    .in_valid_i (push_i),
    .in_ready_o (push_ready),
    .in_data_i  (data_i),
    .out_valid_o,
    .out_ready_i,
    .out_data_o
  );

`ifdef XF_CHECK_STREAMS
  always @(posedge clk_i) begin
    if (rst_ni && claim_i && !claim_ok_o) $fatal(1, "%m: claim without a credit");
    if (rst_ni && push_i && !push_ready) $fatal(1, "%m: a result found no room");
  end
`else
  logic unused;
  assign unused = push_ready;
`endif

endmodule

`default_nettype wire
