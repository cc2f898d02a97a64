// xf_concat: the channels of two streams one after the other, pixel by pixel.
//
// Contract: a pixel is Beats beats of Width bits at input 0 (bit 0 of in_valid_i and in_ready_o, the lower half of in_data_i)
// and as many at input 1 (above it); out come its Beats beats of input 0, then those of input 1. The inputs come at their
// own pace: two beats fit at each, and they are taken in pairs, the one leaving at once, the other kept.
// in_ready_o and out_valid_o depend on registers only.
// Latency 1 cycle from the later of a pair, interval one cycle an output beat.
// Memory: Beats words of Width bits, LUT RAM, a register where Beats is 1.
// Cost: a two-beat FIFO an input, that memory, a counter over 2 * Beats and a multiplexer.
`default_nettype none

module xf_concat #(
  parameter integer Width = 1,
  parameter integer Beats = 1
) (
  input  wire logic               clk_i,
  input  wire logic               rst_ni,
  input  wire logic [1:0]         in_valid_i,
  output logic      [1:0]         in_ready_o,
  input  wire logic [2*Width-1:0] in_data_i,
  output logic                    out_valid_o,
  input  wire logic               out_ready_i,
  output logic      [Width-1:0]   out_data_o
);

  xf_require #(.Ok(Width >= 1 && Beats >= 1), .Message("xf_concat: Width and Beats must be at least 1")) u_require_sizes ();

  localparam integer BeatBits = (Beats > 1) ? $clog2(Beats) : 1;

  logic [BeatBits-1:0] beat_q;
  logic                second_q;
  logic [1:0]          have;
  logic                give;
  logic                pop;
  logic                last;
  logic [Width-1:0]    a_beat;
  logic [Width-1:0]    b_beat;
  logic [Width-1:0]    kept;

  assign out_valid_o = second_q || (&have);
  assign out_data_o  = second_q ? kept : a_beat;
  assign give        = out_valid_o && out_ready_i;
  assign pop         = give && !second_q;
  assign last        = beat_q == BeatBits'(Beats - 1);

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      beat_q   <= BeatBits'(0);
      second_q <= 1'b0;
    end else if (give) begin
      beat_q <= last ? BeatBits'(0) : beat_q + BeatBits'(1);
      if (last) second_q <= !second_q;
    end
  end

  xf_fifo #(.Width(Width), .Depth(2)) u_a (
    .clk_i,
    .rst_ni,
    .in_valid_i (in_valid_i[0]),
    .in_ready_o (in_ready_o[0]),
    .in_data_i  (in_data_i[Width-1:0]),
    .out_valid_o(have[0]),
    .out_ready_i(pop),
    .out_data_o (a_beat)
  );

  xf_fifo #(.Width(Width), .Depth(2)) u_b (
    .clk_i,
    .rst_ni,
    .in_valid_i (in_valid_i[1]),
    .in_ready_o (in_ready_o[1]),
    .in_data_i  (in_data_i[2*Width-1:Width]),
    .out_valid_o(have[1]),
    .out_ready_i(pop),
    .out_data_o (b_beat)
  );

  if (Beats == 1) begin : gen_register
    always_ff @(posedge clk_i) if (pop) kept <= b_beat;
  end else begin : gen_memory
    logic [Width-1:0] memory [0:Beats-1];
    always_ff @(posedge clk_i) if (pop) memory[beat_q] <= b_beat;
    assign kept = memory[beat_q];
  end

`ifdef XF_CHECK_STREAMS
  xf_check_stream #(.Width(Width)) u_check_out (
    .clk_i, .rst_ni, .valid_i(out_valid_o), .ready_i(out_ready_i), .data_i(out_data_o)
  );
`endif

endmodule

`default_nettype wire
